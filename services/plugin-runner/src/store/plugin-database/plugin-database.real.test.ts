import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Message } from '@verifywise/broker';
import type { Installation } from '@verifywise/contracts';
import { DeletePluginData, fact } from '@verifywise/contracts';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../../../../test/support/eventually.ts';
import { inPostgres } from '../../../../../infra/local/src/backing/handshakes.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { SqlAnswer } from '../../testing/sql-plugin.ts';
import { SQL_PLUGIN } from '../../testing/sql-plugin.ts';

const ALL = ['database:read', 'database:write', 'events:emit'];
