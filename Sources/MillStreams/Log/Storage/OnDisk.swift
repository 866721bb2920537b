// SPDX-License-Identifier: Apache-2.0

internal import MillCore

/// Does something with files, whose refusal is then the log's.
func onDisk<Result>(
  _ body: () throws(FileError) -> Result
) throws(EventLogError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw .storage(error)
  }
}
