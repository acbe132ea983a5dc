import { pino } from 'pino';
import { connectBroker } from '../connect-broker.ts';

/** A process that does what its argument says and must then end by itself. */
const [url = '', what = ''] = process.argv.slice(2);
const log = pino({ level: 'silent' });
const connectDeadlineMs = what === 'unreachable' ? 500 : 10_000;
try {
  const broker = await connectBroker({ url, source: 'closing', declare: false, log, connectDeadlineMs });
  await broker.subscribe('test-closing' as never, []);
  await broker.answerQuestions('test-closing' as never, []);
  void broker
    .ask(
      { verb: 'question', name: 'test-closing.x', answerer: { kind: 'service', service: 'test-closing' as never } },
      { tenant: null, payload: null },
    )
    .catch(() => undefined);
  process.stdout.write('connected\n');
  if (what === 'silent') await new Promise((resolve) => process.stdin.once('data', resolve));
  process.stdin.destroy();
  await broker.close();
  process.stdout.write('closed\n');
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code ?? String(error)}\n`);
}
