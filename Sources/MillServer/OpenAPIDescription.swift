// SPDX-License-Identifier: Apache-2.0

package import MillCore

/// What the server answers, for whoever writes a client: OpenAPI 3.1.
///
/// It is checked in as docs/reference/openapi.json, and a test sees that both are the same.
package enum OpenAPIDescription {
  /// The whole description.
  package static var json: JSONValue {
    [
      "openapi": "3.1.0",
      "info": [
        "title": "Millrace",
        "version": .string(MillraceVersion.text),
        "description": """
        Features of a project, served to models. The paths without /v1 are those of Feast's server \
        0.67; their errors are JSON strings that hold a JSON object, from which Feast's client makes \
        the error that it raises.
        """,
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "servers": [["url": "http://127.0.0.1:6566"]],
      "security": [["token": []], [:]],
      "paths": paths,
      "components": [
        "securitySchemes": [
          "token": [
            "type": "http", "scheme": "bearer",
            "description": """
            Scopes: read, read:SERVICE, push, push:VIEW, admin. Without `server.tokens` in \
            millrace.yaml none is needed.
            """,
          ]
        ],
        "schemas": schemas,
        "responses": [
          "Error": [
            "description": "What is wrong, and what was meant.",
            "content": content(reference("Error")),
          ],
          "FeastError": [
            "description": "As Feast's client wants it.",
            "content": content(["type": "string", "contentMediaType": "application/json"]),
          ],
        ],
      ],
    ]
  }

  // MARK: Paths

  private static var paths: JSONValue {
    [
      "/v1/features": [
        "post": operation(
          "readFeatures",
          "Features of entities, each value with its status, time, age and verdict on freshness.",
          body: reference("FeaturesRequest"),
          answer: reference("FeaturesAnswer"),
          errors: ["401", "403", "404", "409", "413", "422", "503"]
        )
      ],
      "/v1/push": [
        "post": operation(
          "pushRows",
          "Takes rows of a view, so that the next answer sees them. An older row never replaces a newer "
            + "one; rows of the future are refused, and then none is taken.",
          body: reference("PushRequest"),
          answer: reference("PushAnswer"),
          errors: ["401", "403", "404", "409", "413", "422", "503", "507"]
        )
      ],
      "/v1/materialize": [
        "post": operation(
          "materialize",
          "Brings views into the online store as their sources are now.",
          body: [
            "type": "object",
            "properties": [
              "views": [
                "type": ["array", "null"], "items": ["type": "string"],
                "description": "Which views; all that are served without it.",
              ]
            ],
          ],
          answer: reference("MaterializeAnswer"),
          errors: ["401", "403", "404", "409", "422", "503", "507"]
        )
      ],
      "/v1/health": [
        "get": operation(
          "readHealth",
          "How the server is: the store, the definitions, as of when each view is.",
          body: nil,
          answer: reference("Health"),
          errors: ["401"]
        )
      ],
      "/health": [
        "get": operation(
          "health",
          "Whether requests can be answered: 200, or 503 when nothing can.",
          body: nil,
          answer: [
            "type": "object", "required": ["status"],
            "properties": ["status": ["enum": ["ok", "degraded", "down"]]],
          ],
          errors: []
        )
      ],
      "/get-online-features": [
        "post": operation(
          "getOnlineFeatures",
          "Features of entities as Feast's server answers.",
          body: reference("FeastRequest"),
          answer: reference("FeastAnswer"),
          errors: ["400", "401", "403", "404", "409", "413", "422", "503"],
          isFeast: true
        )
      ],
      "/push": [
        "post": operation(
          "push",
          "Takes rows; a push source has the name of its view.",
          body: [
            "type": "object", "required": ["push_source_name", "df"],
            "properties": [
              "push_source_name": ["type": "string"],
              "df": reference("DataFrame"),
              "to": ["enum": ["online"], "default": "online"],
            ],
          ],
          answer: nil,
          errors: ["401", "403", "409", "413", "422", "503", "507"],
          isFeast: true
        )
      ],
      "/write-to-online-store": [
        "post": operation(
          "writeToOnlineStore",
          "Takes rows of a view.",
          body: [
            "type": "object", "required": ["feature_view_name", "df"],
            "properties": [
              "feature_view_name": ["type": "string"],
              "df": reference("DataFrame"),
            ],
          ],
          answer: ["type": "null"],
          errors: ["401", "403", "404", "409", "413", "422", "503", "507"],
          isFeast: true
        )
      ],
      "/materialize": ["post": materialization("materializeRange", ["start_ts", "end_ts"])],
      "/materialize-incremental": [
        "post": materialization("materializeIncremental", ["end_ts"])
      ],
      "/openapi.json": [
        "get": operation(
          "describe",
          "This description.",
          body: nil,
          answer: ["type": "object"],
          errors: []
        )
      ],
    ]
  }

  private static func materialization(_ name: String, _ times: [String]) -> JSONValue {
    var properties: JSONObject = [
      "feature_views": ["type": ["array", "null"], "items": ["type": "string"]]
    ]
    for time in times {
      properties[time] = [
        "type": ["string", "null"],
        "description": .string(
          time == "end_ts"
            ? "As of when rows are taken, at the latest now." : "Read, and bounds nothing."
        ),
      ]
    }
    return operation(
      name,
      "Brings views into the online store. With `async=true` in the query it answers 202 at once.",
      body: ["type": "object", "properties": .object(properties)],
      answer: ["type": "null"],
      errors: ["401", "403", "404", "409", "422", "503", "507"],
      isFeast: true
    )
  }

  private static func operation(
    _ name: String,
    _ summary: String,
    body: JSONValue?,
    answer: JSONValue?,
    errors: [String],
    isFeast: Bool = false
  ) -> JSONValue {
    var operation: JSONObject = [
      "operationId": .string(name), "summary": .string(summary),
      "tags": [.string(isFeast ? "Feast" : "Millrace")],
    ]
    if let body { operation["requestBody"] = ["required": true, "content": content(body)] }
    var ok: JSONObject = ["description": "Done."]
    if let answer { ok["content"] = content(answer) }
    var responses: JSONObject = ["200": .object(ok)]
    for error in errors {
      responses[error] = [
        "$ref": .string("#/components/responses/\(isFeast ? "FeastError" : "Error")")
      ]
    }
    operation["responses"] = .object(responses)
    return .object(operation)
  }

  private static func content(_ schema: JSONValue) -> JSONValue {
    ["application/json": ["schema": schema]]
  }

  private static func reference(_ name: String) -> JSONValue {
    ["$ref": .string("#/components/schemas/\(name)")]
  }

  // MARK: Schemas

  private static var schemas: JSONValue {
    [
      "Error": [
        "type": "object", "required": ["error"],
        "properties": [
          "error": [
            "type": "object", "required": ["code", "message"],
            "properties": [
              "code": ["type": "string", "description": "Stable, such as features.unknown."],
              "message": ["type": "string"],
              "nearest": [
                "type": "string", "description": "What was meant, if that can be guessed.",
              ],
            ],
          ]
        ],
      ],
      "FeaturesRequest": [
        "type": "object", "required": ["entities"],
        "description": "Either `service` or `features`.",
        "properties": [
          "service": ["type": "string"],
          "features": [
            "type": "array",
            "items": [
              "type": "string", "description": "`view.feature`, or `view` for all of one.",
            ],
          ],
          "entities": [
            "type": "array",
            "items": [
              "type": "object",
              "description": "Keys, and what on-demand features want to know of the request.",
            ],
          ],
        ],
      ],
      "FeaturesAnswer": [
        "type": "object", "required": ["as_of", "store", "entities"],
        "properties": [
          "as_of": ["type": "string", "format": "date-time"],
          "store": [
            "type": "object", "required": ["reachable"],
            "properties": [
              "reachable": [
                "type": "boolean",
                "description": "False: the values are the last that were known.",
              ],
              "unreachable_since": ["type": "string", "format": "date-time"],
            ],
          ],
          "entities": [
            "type": "array",
            "items": [
              "type": "object", "required": ["keys", "features"],
              "properties": [
                "keys": ["type": "object"],
                "features": ["type": "object", "additionalProperties": reference("FeatureValue")],
              ],
            ],
          ],
        ],
      ],
      "FeatureValue": [
        "type": "object",
        "required": ["value", "status", "time", "known", "age_seconds", "freshness"],
        "properties": [
          "value": ["description": "Null unless the status is PRESENT, but for counts of no rows."],
          "status": [
            "enum": ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE", "INVALID"]
          ],
          "time": ["type": ["string", "null"], "description": "When its newest row happened."],
          "known": [
            "type": ["string", "null"], "description": "From when on that row was known.",
          ],
          "age_seconds": ["type": ["integer", "null"]],
          "freshness": [
            "enum": ["FRESH", "STALE", "UNVERIFIED", nil],
            "description": """
            By the view's `freshness`, null where it has none. UNVERIFIED while the store does not \
            answer.
            """,
          ],
        ],
      ],
      "PushRequest": [
        "type": "object", "required": ["view", "rows"],
        "properties": [
          "view": ["type": "string"],
          "rows": [
            "type": "array", "maxItems": 10_000,
            "items": [
              "type": "object",
              "description": "Columns of the view's source: keys, time, and those of its features.",
            ],
          ],
        ],
      ],
      "PushAnswer": [
        "type": "object", "required": ["view", "rows", "newer"],
        "properties": [
          "view": ["type": "string"], "rows": ["type": "integer"],
          "newer": ["type": "integer", "description": "Keys that have a newer row now."],
        ],
      ],
      "MaterializeAnswer": [
        "type": "object", "required": ["views"],
        "properties": [
          "views": [
            "type": "array",
            "items": [
              "type": "object",
              "properties": [
                "view": ["type": "string"],
                "read": ["enum": ["unchanged", "added", "all"]],
                "keys": ["type": "integer"], "changed": ["type": "integer"],
                "removed": ["type": "integer"],
              ],
            ],
          ]
        ],
      ],
      "Health": [
        "type": "object",
        "required": ["status", "store", "definitions", "views", "problems", "memory"],
        "properties": [
          "status": ["enum": ["ok", "degraded", "down"]],
          "store": ["type": "object"], "definitions": ["type": "object"],
          "views": ["type": "object"], "problems": ["type": "object"],
          "memory": ["type": "object"],
        ],
      ],
      "DataFrame": [
        "type": "object", "description": "Columns by name, all equally long.",
        "additionalProperties": ["type": "array"],
      ],
      "FeastRequest": [
        "type": "object", "required": ["entities"],
        "description": "Either `features` or `feature_service`.",
        "properties": [
          "features": [
            "type": "array", "items": ["type": "string", "description": "`view:feature`"],
          ],
          "feature_service": ["type": ["string", "null"]],
          "entities": [
            "type": "object", "description": "A list of values for each key and request value.",
            "additionalProperties": ["type": "array"],
          ],
          "full_feature_names": ["type": "boolean", "default": false],
          "include_feature_view_version_metadata": ["type": "boolean", "default": false],
        ],
      ],
      "FeastAnswer": [
        "type": "object", "required": ["metadata", "results"],
        "properties": [
          "metadata": [
            "type": "object", "required": ["feature_names"],
            "properties": ["feature_names": ["type": "array", "items": ["type": "string"]]],
          ],
          "results": [
            "type": "array",
            "items": [
              "type": "object", "required": ["values", "statuses", "event_timestamps"],
              "properties": [
                "values": ["type": "array"],
                "statuses": ["type": "array", "items": ["type": "string"]],
                "event_timestamps": ["type": "array", "items": ["type": "string"]],
              ],
            ],
          ],
        ],
      ],
    ]
  }
}
