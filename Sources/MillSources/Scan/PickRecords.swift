// SPDX-License-Identifier: Apache-2.0

/// Finds regular records of a file again by their numbers, with their bytes and place.
///
/// An engine says "the 17th record cannot be decoded"; this says on which line it stands and what
/// it holds. Irregular records are not numbered.
///
/// - Parameter numbers: From 1, ascending, without repetition.
/// - Returns: One record per number, in order; their reason is `picked`.
/// - Throws: `SourceError.changedWhileReading` when the file is not the one that was scanned.
/// - Complexity: One pass over the bytes.
public func pickRecords(
  path: String,
  options: ScanOptions,
  scan: FileScan,
  numbers: [Int64]
) throws(SourceError) -> [IrregularRecord] {
  var options = options
  options.pickedRecords = numbers
  options.keptIrregularRecords = numbers.count
  var sink = KeptIrregulars(options)
  let again = try frameFile(path, scan.file.path, options, FileStream.defaultChunkBytes, &sink)
  let picked = sink.records
  guard again.file == scan.file, picked.count == numbers.count else {
    throw .changedWhileReading(path: scan.file.path)
  }
  return picked
}
