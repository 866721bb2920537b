// SPDX-License-Identifier: Apache-2.0

import MillCore
import MillServer
import Testing
