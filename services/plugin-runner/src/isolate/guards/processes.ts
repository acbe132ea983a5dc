import childProcess from 'node:child_process';
import cluster from 'node:cluster';
import module from 'node:module';
import os from 'node:os';
import sqlite from 'node:sqlite';
import v8 from 'node:v8';
import wasi from 'node:wasi';
import workerThreads from 'node:worker_threads';
import type { GuardParts } from './guards.ts';
import { replace } from './replace.ts';

const OWN_PROCESS = 'the platform starts and ends processes; work that takes long belongs in a job';
const OWN_FILES = 'use context.db, which is kept, backed up and only yours';

/**
 * What no plugin gets, whatever is granted: other processes and threads, and power over its own process that its runner needs.
 * Node's permission model itself refuses the inspector; loading it to say so in our words would take a fortieth of an isolate's start.
 */
const NEVER: [target: object, name: string, functions: string[], instead?: string][] = [
  [childProcess, 'child_process', ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']],
  [childProcess.ChildProcess.prototype, 'child_process.ChildProcess', ['spawn']],
  [workerThreads, 'worker_threads', ['Worker']],
  [cluster, 'cluster', ['fork', 'setupPrimary', 'setupMaster']],
  [v8, 'v8', ['setFlagsFromString', 'setHeapSnapshotNearHeapLimit', 'writeHeapSnapshot']],
  [module, 'module', ['register']],
  [os, 'os', ['setPriority']],
  [wasi, 'wasi', ['WASI']],
  // It opens files of its own accord, past Node's permission model.
  [sqlite, 'sqlite', ['DatabaseSync', 'backup'], OWN_FILES],
  [
    process,
    'process',
    [
      ...['abort', 'binding', '_linkedBinding', 'chdir', 'dlopen', 'execve', 'exit', 'reallyExit', 'kill', '_kill'],
      ...['initgroups', 'setegid', 'seteuid', 'setgid', 'setgroups', 'setuid', '_debugProcess', '_debugEnd'],
    ],
  ],
];

export function guardProcesses({ denials }: GuardParts): void {
  for (const [target, name, functions, instead = OWN_PROCESS] of NEVER) {
    for (const each of functions) replace(target, each, () => denials.never(`${name}.${each}`, instead));
  }
}
