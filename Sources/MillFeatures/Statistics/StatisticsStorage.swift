// SPDX-License-Identifier: Apache-2.0

/// Where statistics of features are kept.
public protocol StatisticsStorage: Sendable {}
