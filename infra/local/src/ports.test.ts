import { expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { assertPortsFree, freePorts, portsFrom } from './ports.ts';

test('ports are the well-known ones unless the environment says otherwise', () => {
  const ports = portsFrom({ INSTALLER_PORT: '5002', SCHEDULER_PORT: '' });
  expect(ports).toMatchObject({ 'demo-platform': 4000, installer: 5002, scheduler: 4004 });
});

test('every variable that is no port is named at once', () => {
  const env = { INSTALLER_PORT: 'abc', SCHEDULER_PORT: '70000' };
  expect(() => portsFrom(env)).toThrow('INSTALLER_PORT=abc, SCHEDULER_PORT=70000 is no port');
});

test('one port for two processes is refused', () => {
  expect(() => portsFrom({ INSTALLER_PORT: '4001' })).toThrow('Two processes are to listen on port 4001');
});

test('a taken port is named with its process and its variable', async () => {
  const ports = await freePorts();
  const squatter = createServer().listen(ports.scheduler, '127.0.0.1');
  await new Promise((resolve) => squatter.once('listening', resolve));
  const expected = `Port ${ports.scheduler} (scheduler) is in use; free it or set SCHEDULER_PORT`;
  await expect(assertPortsFree(ports)).rejects.toThrow(expected);
  await new Promise((resolve) => squatter.close(resolve));
});
