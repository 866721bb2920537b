// SPDX-License-Identifier: Apache-2.0

package import MillCore

package enum OpenAPIDescription {
  package static var json: JSONValue { ["openapi": "3.1.0"] }
}
