// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdTLS
internal import Logging
internal import MillAssembly
internal import MillCore
internal import MillFeatures
internal import NIOCore
internal import NIOSSL
internal import ServiceLifecycle
