// SPDX-License-Identifier: Apache-2.0

internal import CRedis
internal import MillCore
internal import MillFeatures
