// SPDX-License-Identifier: Apache-2.0
#include "checksum.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];

// Before anything of the program runs, so no two threads can meet here.
__attribute__((constructor)) static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
    tables[0][byte] = crc;
  }
  for (int table = 1; table < 8; table++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t before = tables[table - 1][byte];
      tables[table][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
}

// Slicing by 8. Source: Kounavis and Berry, "A Systematic Approach to Building High Performance
// Software-based CRC Generators", ISCC 2005.
uint32_t mill_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    word ^= crc;
    crc = tables[7][word & 0xFF] ^ tables[6][(word >> 8) & 0xFF] ^ tables[5][(word >> 16) & 0xFF] ^
          tables[4][(word >> 24) & 0xFF] ^ tables[3][(word >> 32) & 0xFF] ^
          tables[2][(word >> 40) & 0xFF] ^ tables[1][(word >> 48) & 0xFF] ^ tables[0][word >> 56];
    next += 8;
    count -= 8;
  }
#endif
  while (count > 0) {
    crc = (crc >> 8) ^ tables[0][(crc ^ *next) & 0xFF];
    next++;
    count--;
  }
  return ~crc;
}

#if defined(__x86_64__)

// The instruction takes eight bytes in three cycles, and a processor can have three of them under
// way: so three blocks are summed up at once, and two of the sums are carried over the blocks behind
// them, by a table of what so many zeros do to a sum.
//
// Source: Mark Adler, "crc32c.c", 2013; Gopal and others, "Fast CRC Computation for iSCSI Polynomial
// Using CRC32 Instruction", Intel 2011.
#define BLOCK 4096

static uint32_t over_block[4][256];

// What a block of zeros makes of a sum: its bits one by one, which is linear.
__attribute__((constructor)) static void make_over_block(void) {
  uint32_t of_bit[32];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t crc = 1u << bit;
    for (int step = 0; step < BLOCK * 8; step++) crc = (crc >> 1) ^ ((crc & 1) ? POLYNOMIAL : 0);
    of_bit[bit] = crc;
  }
  for (int place = 0; place < 4; place++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = 0;
      for (int bit = 0; bit < 8; bit++) {
        if (byte & (1 << bit)) crc ^= of_bit[8 * place + bit];
      }
      over_block[place][byte] = crc;
    }
  }
}

static uint64_t carry(uint64_t crc) {
  return over_block[0][crc & 0xFF] ^ over_block[1][(crc >> 8) & 0xFF] ^
         over_block[2][(crc >> 16) & 0xFF] ^ over_block[3][(crc >> 24) & 0xFF];
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *next,
                                                                 size_t count) {
  uint64_t sum = (uint32_t)~crc;
  while (count >= 3 * BLOCK) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t place = 0; place < BLOCK; place += 8) {
      uint64_t words[3];
      memcpy(&words[0], next + place, 8);
      memcpy(&words[1], next + BLOCK + place, 8);
      memcpy(&words[2], next + 2 * BLOCK + place, 8);
      sum = _mm_crc32_u64(sum, words[0]);
      second = _mm_crc32_u64(second, words[1]);
      third = _mm_crc32_u64(third, words[2]);
    }
    sum = carry(carry(sum) ^ second) ^ third;
    next += 3 * BLOCK;
    count -= 3 * BLOCK;
  }
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    sum = _mm_crc32_u64(sum, word);
    next += 8;
    count -= 8;
  }
  uint32_t rest = (uint32_t)sum;
  while (count > 0) {
    rest = _mm_crc32_u8(rest, *next);
    next++;
    count--;
  }
  return ~rest;
}

uint32_t mill_crc32c(uint32_t crc, const void *bytes, size_t count) {
  if (__builtin_cpu_supports("sse4.2")) return by_instruction(crc, bytes, count);
  return mill_crc32c_portable(crc, bytes, count);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t mill_crc32c(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    crc = __crc32cd(crc, word);
    next += 8;
    count -= 8;
  }
  while (count > 0) {
    crc = __crc32cb(crc, *next);
    next++;
    count--;
  }
  return ~crc;
}

#else

uint32_t mill_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return mill_crc32c_portable(crc, bytes, count);
}

#endif
