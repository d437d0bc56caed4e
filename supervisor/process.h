/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process.h - other processes, by /proc and pidfds.
 *
 * Runs in: supervisor.
 * Trusts: the kernel. /proc may hide other users' processes (hidepid=).
 */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* A pidfd, or -errno: -ESRCH when there is no such process. */
int process_open(pid_t pid);

struct process_facts {
	pid_t session;	  /* in our numbers */
	uint64_t started; /* clock ticks after boot */
};

/*
 * Fields 6 and 22 of proc_pid_stat(5). 0, or -errno: -ESRCH when it has ended,
 * a zombie included; -ENOENT when /proc does not show it.
 */
int process_read(pid_t pid, struct process_facts *ret_facts);
/* The same of the text of /proc/PID/stat. 0, -ESRCH or -EBADMSG. */
int process_parse_stat(const char *text, struct process_facts *ret_facts);
/*
 * The number that the host has for what a worker in a PID namespace of its own
 * calls pid; 0 when it cannot be told: the worker is gone, or /proc hides it.
 */
pid_t process_host_number(pid_t worker, pid_t pid);
/* An ID of this boot of the host, as text; "" when it cannot be read. */
void process_boot_id(char *ret_text, size_t size);

#endif
