// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

extension DuckDBEngineSession {
  func inspect(_ path: String, as format: RawFormat) async throws -> RawInspection {
    let file = dialect.literal(RelationSQL.exactly(path))
    switch format {
    case .csv(let delimiter, let hasHeader, let compression):
      let sniffed = try await rows(
        of: """
          SELECT Delimiter, list_transform(Columns, lambda item: item.name),
            list_transform(Columns, lambda item: item.type)
          FROM sniff_csv(\(file), header = \(hasHeader), nullstr = ['', 'NA'],
            delim = \(dialect.literal(String(delimiter))), quote = '"', escape = '"',
            ignore_errors = true, compression = \(dialect.literal(compression.rawValue)))
          """
      )
      guard let row = sniffed.first, case .text(let delimiter) = row[0],
        case .list(let names) = row[1], case .list(let types) = row[2]
      else { throw EngineError.failed(message: "\(path) could not be recognised as CSV") }
      var fields: [Field] = []
      for (name, type) in zip(names, types) {
        guard case .text(let name) = name, case .text(let type) = type else { continue }
        fields.append(Field(name, Self.sniffedType(type)))
      }
      return RawInspection(schema: Schema(fields), delimiter: delimiter.first)
    case .jsonLines(let compression):
      return RawInspection(
        schema: try await schema(
          of: """
            SELECT * FROM read_json([\(file)], format = 'newline_delimited', ignore_errors = true,
              compression = \(dialect.literal(compression.rawValue)))
            """
        )
      )
    case .parquet:
      return RawInspection(
        schema: try await schema(
          of: "SELECT * FROM read_parquet([\(file)], hive_partitioning = false)"
        )
      )
    }
  }

  private static func sniffedType(_ name: String) -> DataType {
    switch name {
    case "BIGINT": .long
    case "DOUBLE": .double
    case "BOOLEAN": .boolean
    case "DATE": .date
    case "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": .timestamp
    default: .string
    }
  }
}
