import { expect, test } from '@jest/globals';
import { PluginJobs } from './plugin-jobs.ts';

const job = { jobId: '1', attemptsMade: 0, pluginId: 'notes', tenant: 'acme' };

/** Jobs whose handlers write down that they ran, and how often there was another job or one less. */
function jobsUnderTest() {
  const ran: string[] = [];
  const jobs = new PluginJobs();
  const changes: string[][] = [];
  jobs.whenChanged(() => changes.push(jobs.names()));
  const handler = (name: string) => () => Promise.resolve(void ran.push(name));
  return { jobs, ran, changes, handler };
}

test('a job is there from the moment its schedule is asked for, and stays when it is accepted', async () => {
  const { jobs, ran, handler } = jobsUnderTest();
  await jobs.during('daily', handler('first'), async () => {
    expect(await jobs.run('daily', {}, job)).toBe('done');
  });
  await jobs.run('daily', {}, job);
  expect(ran).toEqual(['first', 'first']);
});

test('a schedule that is refused leaves the handler that was there before', async () => {
  const { jobs, ran, changes, handler } = jobsUnderTest();
  await jobs.during('daily', handler('old'), () => Promise.resolve());
  const refuse = () => Promise.reject(new Error('no cron'));
  await expect(jobs.during('daily', handler('new'), refuse)).rejects.toThrow('no cron');
  expect(await jobs.run('daily', {}, job)).toBe('done');
  expect(ran).toEqual(['old']);
  expect(changes).toEqual([['daily']]);
});

test('what is not a handler is refused before anything is scheduled', async () => {
  const { jobs, ran, handler } = jobsUnderTest();
  await jobs.during('daily', handler('old'), () => Promise.resolve());
  const wrong = jobs.during('daily', undefined as never, () => Promise.reject(new Error('asked')));
  await expect(wrong).rejects.toMatchObject({ code: 'SCHEDULE_INVALID' });
  await jobs.run('daily', {}, job);
  expect(ran).toEqual(['old']);
});

test('a schedule of an earlier life finds its handler, also when it could not be said again', async () => {
  const { jobs, ran, handler } = jobsUnderTest();
  const away = () => Promise.reject(new Error('no scheduler'));
  await expect(jobs.during('daily', handler('new'), away)).rejects.toThrow('no scheduler');
  expect(await jobs.run('daily', {}, job)).toBe('done');
  expect(ran).toEqual(['new']);
});

test('a refusal undoes nothing of what the plugin has scheduled or cancelled meanwhile', async () => {
  const { jobs, ran, handler } = jobsUnderTest();
  const refusedLate = jobs.during('daily', handler('refused'), async () => {
    await jobs.during('daily', handler('latest'), () => Promise.resolve());
    throw new Error('no cron');
  });
  await expect(refusedLate).rejects.toThrow('no cron');
  await jobs.run('daily', {}, job);
  expect(ran).toEqual(['latest']);
});

test('whoever watches is told of jobs that come and go, and not of handlers that are replaced', async () => {
  const { jobs, changes, handler } = jobsUnderTest();
  const accept = () => Promise.resolve();
  await jobs.during('daily', handler('first'), accept);
  await jobs.during('daily', handler('second'), accept);
  await jobs.during('weekly', handler('first'), accept);
  jobs.remove('weekly');
  jobs.remove('unknown');
  jobs.remove(null);
  jobs.remove(null);
  expect(changes).toEqual([['daily'], ['daily', 'weekly'], ['daily'], []]);
});
