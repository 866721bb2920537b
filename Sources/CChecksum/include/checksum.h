// SPDX-License-Identifier: Apache-2.0
#ifndef MILLRACE_CHECKSUM_H
#define MILLRACE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, going on from `crc`, which is 0 at the beginning.
///
/// The instruction of the processor is used where there is one (SSE 4.2, ARMv8 CRC), otherwise
/// tables of eight bytes at a time; both give the same.
///
/// Source: RFC 3720, appendix B.4 (polynomial 0x1EDC6F41, reflected, inverted before and after).
uint32_t mill_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by tables alone, on any processor.
uint32_t mill_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
