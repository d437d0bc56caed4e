/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crc32c.h - the Castagnoli checksum.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_CRC32C_H
#define SUPERVISOR_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC32C (RFC 3720, B.4) of len bytes, appended to those that gave crc: begin
 * with 0. Finds every error burst of up to 32 bits.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
