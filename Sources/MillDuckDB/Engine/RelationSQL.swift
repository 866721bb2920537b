// SPDX-License-Identifier: Apache-2.0

internal import MillCore
internal import MillEngine
internal import MillSQL

/// The SQL by which DuckDB reads what the contract describes.
struct RelationSQL {
  let dialect = DuckDBDialect()

  /// The most groups of partition values that are read as one query each.
  ///
  /// The optimizer then skips the groups that a filter excludes. More are joined by file name.
  static let groupsAsQueries = 200

  /// The columns by which a row's place can be asked for.
  static let fileColumn = "_mill_file"
  static let rowColumn = "_mill_row"

  /// One version of a table as a query.
  ///
  /// - Parameters:
  ///   - deleted: A relation with the deleted rows of the files that have any, by `file` and `row`.
  ///   - withPlaces: Whether the file and the row in it are columns too.
  func query(_ contents: TableContents, deleted: String? = nil, withPlaces: Bool = false) -> String
  {
    let groups =
      contents.partitionColumns.isEmpty
      ? [PartitionKey([:]): contents.files]
      : Dictionary(grouping: contents.files) { PartitionKey($0.partitionValues) }
    guard groups.count <= Self.groupsAsQueries else {
      return joined(contents, deleted, withPlaces)
    }
    let id = ColumnsID.of(
      contents.schema.fields,
      without: Set(contents.partitionColumns),
      contents.mapping
    )
    var queries: [String] = []
    for files in groups.values {
      let values = files.first?.partitionValues ?? [:]
      // Only files that have deleted rows pay for looking them up, and only files with other columns
      // than the table's are read by a schema.
      let kinds = Dictionary(grouping: files) { file in
        FileKind(hasDeleted: file.deletedRows != nil, isExact: isExact(file, id))
      }
      for some in kinds.values {
        queries.append(
          select(
            contents,
            files: some,
            values: values,
            some[0].deletedRows == nil ? nil : deleted,
            withPlaces
          )
        )
      }
    }
    return queries.sorted().joined(separator: "\nUNION ALL\n")
  }

  private struct FileKind: Hashable {
    var hasDeleted: Bool
    var isExact: Bool
  }

  /// Whether a file surely holds exactly the table's columns.
  private func isExact(_ file: DataFile, _ id: String) -> Bool { file.tags[ColumnsID.tag] == id }

  /// The columns of a table without rows, as `CREATE TABLE` wants them.
  func columns(_ schema: Schema) -> String {
    schema.fields
      .map { "\(dialect.quote($0.name)) \(dialect.typeName($0.type))" }
      .joined(separator: ", ")
  }

  private func select(
    _ contents: TableContents,
    files: [DataFile],
    values: [String: String?],
    _ deleted: String?,
    _ withPlaces: Bool
  ) -> String {
    let columns = columns(of: contents) { field in
      value(values[field.name] ?? nil, field.type)
    }
    let places = withPlaces ? [Self.fileColumn, Self.rowColumn] : []
    return """
      SELECT \((columns + places).joined(separator: ", "))
      FROM \(source(contents, files, withPlaces: withPlaces || deleted != nil)) AS mill_files
      \(deleted.map { "WHERE \(Self.isKept($0))" } ?? "")
      """
  }

  /// The expressions of the table's columns over its files.
  private func columns(
    of contents: TableContents,
    partition: (Field) -> String
  ) -> [String] {
    let stored = PhysicalColumns(mapping: contents.mapping)
    let parted = Set(contents.partitionColumns)
    return contents.schema.fields.map { field in
      if parted.contains(field.name) {
        return "\(partition(field)) AS \(dialect.quote(field.name))"
      }
      if case .void = field.type {
        return "CAST(NULL AS \(dialect.typeName(field.type))) AS \(dialect.quote(field.name))"
      }
      return stored.logical(field)
    }
  }

  private func source(
    _ contents: TableContents,
    _ files: [DataFile],
    withPlaces: Bool
  ) -> String {
    let parted = Set(contents.partitionColumns)
    let stored = contents.schema.fields.filter { field in
      if case .void = field.type { return false }
      return !parted.contains(field.name)
    }
    let id = ColumnsID.of(contents.schema.fields, without: parted, contents.mapping)
    let schema =
      stored.isEmpty || files.allSatisfy { isExact($0, id) }
      ? "" : ", schema = \(PhysicalColumns(mapping: contents.mapping).readSchema(stored))"
    let places =
      withPlaces
      ? ", filename = '\(Self.fileColumn)', file_row_number = true" : ""
    let call = "read_parquet([\(paths(files))], hive_partitioning = false\(schema)\(places))"
    guard withPlaces else { return call }
    return "(SELECT *, file_row_number AS \(Self.rowColumn) FROM \(call))"
  }

  private static func isKept(_ deleted: String) -> String {
    """
    NOT EXISTS (SELECT 1 FROM \(deleted) AS mill_deleted
      WHERE mill_deleted.file = mill_files.\(fileColumn)
        AND mill_deleted.row = mill_files.\(rowColumn))
    """
  }

  private func joined(
    _ contents: TableContents,
    _ deleted: String?,
    _ withPlaces: Bool
  ) -> String {
    let columns = columns(of: contents) { "mill_values.\(dialect.quote($0.name))" }
    let places =
      withPlaces ? ["mill_files.\(Self.fileColumn)", "mill_files.\(Self.rowColumn)"] : []
    let rows = contents.files.map { file in
      let cells = contents.partitionColumns.map { column in
        value(file.partitionValues[column] ?? nil, contents.schema[name: column]?.type ?? .string)
      }
      return "(\(([dialect.literal(file.location)] + cells).joined(separator: ", ")))"
    }
    let names = ["mill_of_file"] + contents.partitionColumns
    return """
      SELECT \((columns + places).joined(separator: ", "))
      FROM \(source(contents, contents.files, withPlaces: true)) AS mill_files
      JOIN (VALUES \(rows.joined(separator: ", "))) AS mill_values(\(dialect.list(names)))
        ON mill_files.\(Self.fileColumn) = mill_values.mill_of_file
      \(deleted.map { "WHERE \(Self.isKept($0))" } ?? "")
      """
  }

  private func value(_ text: String?, _ type: DataType) -> String {
    // Empty text is null by the protocol, yet the one writer that leaves it in a log (delta-rs; Spark
    // never does) means empty text where the column is text.
    guard let text, !text.isEmpty || type == .string else {
      return "CAST(NULL AS \(dialect.typeName(type)))"
    }
    // A blob's text is its bytes, not DuckDB's own way to write a blob.
    if case .binary = type { return "encode(\(dialect.literal(text)))" }
    return "CAST(\(dialect.literal(text)) AS \(dialect.typeName(type)))"
  }

  private func paths(_ files: [DataFile]) -> String {
    files.map { dialect.literal(Self.exactly($0.location)) }.joined(separator: ", ")
  }

  /// A path that DuckDB takes for itself and not for a pattern.
  static func exactly(_ path: String) -> String {
    guard path.utf8.contains(where: { "*?[".utf8.contains($0) }) else { return path }
    return path.reduce(into: "") { text, character in
      switch character {
      case "*", "?", "[": text += "[\(character)]"
      default: text.append(character)
      }
    }
  }

  // MARK: Raw files

  /// A raw file as a query: every field as text.
  func query(_ source: RawSource) -> String {
    switch source.format {
    case .csv(let delimiter, let hasHeader, let compression):
      let columns = source.fields.map { "\(dialect.literal($0)): 'VARCHAR'" }
      let nulls = source.nullTexts.map { dialect.literal($0) }
      return numbered(
        source,
        """
        SELECT \(dialect.list(source.fields)), CAST(NULL AS VARCHAR) AS _rescued,
          false AS _malformed
        FROM read_csv([\(dialect.literal(Self.exactly(source.path)))], auto_detect = false,
          header = \(hasHeader), skip = \(source.skippedLines), delim = \(dialect.literal(String(delimiter))),
          quote = '"', escape = '"', strict_mode = true, null_padding = false,
          nullstr = [\(nulls.joined(separator: ", "))], columns = {\(columns.joined(separator: ", "))},
          compression = \(dialect.literal(compression.rawValue))\(lineSize(source)))
        """
      )
    case .jsonLines(let compression):
      return jsonLines(source, compression)
    case .parquet:
      return """
        SELECT \(dialect.list(source.fields)), CAST(NULL AS VARCHAR) AS _rescued,
          false AS _malformed\(source.withOrdinal ? ", file_row_number + 1 AS _ordinal" : "")
        FROM read_parquet([\(dialect.literal(Self.exactly(source.path)))],
          hive_partitioning = false\(source.withOrdinal ? ", file_row_number = true" : ""))
        """
    }
  }

  /// One parse of a line gives all fields; keys that are not among them are kept in `_rescued`.
  private func jsonLines(_ source: RawSource, _ compression: RawCompression) -> String {
    let pointers = source.fields.map { field in
      dialect.literal("/" + Self.pointer(field))
    }
    let nulls = source.nullTexts.map { dialect.literal($0) }.joined(separator: ", ")
    let fields = source.fields.enumerated().map { index, field in
      let text = jsonText(field, at: index, source)
      guard !source.nullTexts.isEmpty else { return "\(text) AS \(dialect.quote(field))" }
      return "CASE WHEN \(text) NOT IN (\(nulls)) THEN \(text) END AS \(dialect.quote(field))"
    }
    let known = source.fields.map { dialect.literal($0) }.joined(separator: ", ")
    let rescued = """
      '{' || array_to_string(list_transform(
        list_filter(json_keys(mill_line), lambda key: NOT list_contains([\(known)], key)),
        lambda key: CAST(to_json(key) AS VARCHAR) || ':' || CAST(json_extract(mill_line,
          '/' || replace(replace(key, '~', '~0'), '/', '~1')) AS VARCHAR)), ',') || '}'
      """
    // A delimiter and quotes that no text has: a line is one field, whatever is in it.
    return numbered(
      source,
      """
      SELECT \(fields.joined(separator: ", ")),
        CASE WHEN mill_is_object AND NOT list_has_all([\(known)], json_keys(mill_line))
          THEN \(rescued) END AS _rescued,
        NOT mill_is_object AS _malformed
      FROM (
        SELECT mill_line, mill_is_object, CASE WHEN mill_is_object
          THEN json_extract_string(mill_line, [\(pointers.joined(separator: ", "))]) END AS mill_texts
        FROM (
          SELECT mill_line,
            CASE WHEN json_valid(mill_line) THEN json_type(mill_line) = 'OBJECT' ELSE false END
              AS mill_is_object
          FROM read_csv([\(dialect.literal(Self.exactly(source.path)))], auto_detect = false,
            header = false, delim = e'\\x01\\x02\\x03\\x04', quote = '', escape = '',
            nullstr = [e'\\x01\\x02\\x03\\x05'], columns = {'mill_line': 'VARCHAR'},
            compression = \(dialect.literal(compression.rawValue))\(lineSize(source)))
          WHERE trim(mill_line, e' \\t\\r') <> ''))
      """
    )
  }

  /// The text of a JSON field.
  ///
  /// DuckDB reads a number with a point as a double; only its way into a DECIMAL keeps all digits.
  private func jsonText(_ field: String, at index: Int, _ source: RawSource) -> String {
    let text = "mill_texts[\(index + 1)]"
    if source.textFields.contains(field) { return jsonToken(field, text) }
    guard let digits = source.decimalDigits[field] else { return text }
    let structure = JSONValue.object([field: .string("DECIMAL(38,\(min(digits, 37)))")])
    let exact =
      "CAST(json_transform(mill_line, \(dialect.literal(structure.serialized())))"
      + ".\(dialect.quote(field)) AS VARCHAR)"
    let pointer = dialect.literal("/" + Self.pointer(field))
    // A double holds fifteen digits exactly; only longer text is worth another parse.
    return "CASE WHEN mill_is_object AND strlen(\(text)) > 15 "
      + "THEN CASE WHEN json_type(mill_line, \(pointer)) = 'DOUBLE' "
      + "THEN coalesce(\(exact), \(text)) ELSE \(text) END ELSE \(text) END"
  }

  /// A number with a point as it stands in the line, where a text column wants it.
  ///
  /// The first number behind the key is taken if its value is the field's; a key of the same name
  /// deeper in the line that comes first and differs leaves the engine's own spelling.
  private func jsonToken(_ field: String, _ text: String) -> String {
    let key = JSONValue.string(field).serialized().reduce(into: "") { pattern, character in
      if "\\^$.|?*+()[]{}".contains(character) { pattern.append("\\") }
      pattern.append(character)
    }
    let pattern = "\(key)\\s*:\\s*(-?[0-9]+[.]?[0-9]*([eE][-+]?[0-9]+)?)"
    let token = "regexp_extract(mill_line, \(dialect.literal(pattern)), 1)"
    let pointer = dialect.literal("/" + Self.pointer(field))
    // Text that is no number at all, the usual case, is not parsed again.
    return "CASE WHEN TRY_CAST(\(text) AS DOUBLE) IS NULL THEN \(text) "
      + "WHEN mill_is_object AND json_type(mill_line, \(pointer)) = 'DOUBLE' "
      + "AND TRY_CAST(\(token) AS DOUBLE) = TRY_CAST(\(text) AS DOUBLE) "
      + "THEN \(token) ELSE \(text) END"
  }

  private func numbered(_ source: RawSource, _ query: String) -> String {
    guard source.withOrdinal else { return query }
    return "SELECT *, row_number() OVER () AS _ordinal FROM (\(query))"
  }

  /// DuckDB's own limit on a line is 2 MB, and its buffers hold sixteen lines.
  private func lineSize(_ source: RawSource) -> String {
    let longest = source.longestRecord.bytes
    guard longest > 1_900_000 else { return "" }
    return ", max_line_size = \(longest + 1024), buffer_size = \(2 * (longest + 1024))"
  }

  /// > Source: RFC 6901, "JSON Pointer", 3.
  private static func pointer(_ key: String) -> String {
    key.reduce(into: "") { text, character in
      switch character {
      case "~": text += "~0"
      case "/": text += "~1"
      default: text.append(character)
      }
    }
  }
}
