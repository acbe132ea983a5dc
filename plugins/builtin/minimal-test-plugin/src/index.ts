import type { EventPayload, JobContext, Plugin, PluginContext } from '@verifywise/plugin-types';
import manifest from '../manifest.json' with { type: 'json' };

/** Everything this plugin keeps is kept under this entity type, for the plugin as a whole. */
const NOTES = 'note';

const PING = 'plugin:minimal-test-plugin:ping';
const NOTE_JOB = 'write-note';

interface NoteData {
  /** Made when the note is scheduled, so that a job that runs twice writes one note. */
  noteId: string;
  text: string;
}

// Routes are called without a context; this one stays valid from onLoad to the end of onUnload.
let context: PluginContext | undefined;

function contextNow(): PluginContext {
  if (context === undefined) throw new Error('The plugin is not loaded');
  return context;
}

async function writeNote(data: NoteData, job: JobContext): Promise<void> {
  const { metadata, logger } = contextNow();
  await metadata.set(NOTES, 0, `job:${data.noteId}`, { text: data.text, jobId: job.jobId, writtenAt: new Date() });
  logger.info('Note written by a job', { noteId: data.noteId, attemptsMade: job.attemptsMade });
}

/** A schedule outlives a restart and its handler does not, so a note that is still to come is scheduled again. */
async function resumeNote({ scheduler }: PluginContext): Promise<void> {
  const waiting = (await scheduler.list()).find(({ name }) => name === NOTE_JOB);
  if (waiting === undefined) return;
  const delay = Math.max(0, (waiting.nextRun?.getTime() ?? 0) - Date.now());
  await scheduler.scheduleOnce(NOTE_JOB, writeNote, delay, waiting.data as NoteData);
}

const plugin: Plugin = {
  manifest,

  async onInstall({ logger, metadata, options }) {
    await metadata.set('system', 0, 'installed', { reason: options?.reason ?? 'install', at: new Date() });
    logger.info('Minimal test plugin installed');
  },

  onLoad(loaded) {
    context = loaded;
    loaded.logger.info('Minimal test plugin loaded');
  },

  async onEnable(enabled) {
    await resumeNote(enabled);
    enabled.logger.info('Minimal test plugin enabled');
  },

  onDisable({ logger }) {
    logger.info('Minimal test plugin disabled');
  },

  onUnload({ logger }) {
    logger.info('Minimal test plugin unloaded');
    context = undefined;
  },

  async onUninstall({ logger, metadata, options }) {
    if (options?.deleteData === true) await metadata.deleteByPlugin();
    logger.info('Minimal test plugin uninstalled', { deleteData: options?.deleteData ?? false });
  },

  eventHandlers() {
    return {
      [PING]: async (payload: EventPayload, { metadata }: PluginContext) => {
        // A redelivered event has the same id and so writes the same note again.
        await metadata.set(NOTES, 0, `event:${payload.eventId}`, { text: payload.text ?? null, at: payload.timestamp });
      },
    };
  },

  webhooks() {
    return {
      echo: {
        method: 'POST',
        handler: (req, res, { tenant }) => {
          const bytes = req.rawBody.length;
          res
            .status(200)
            .json({ success: true, data: { tenant, method: req.method, body: req.body as unknown, bytes } });
        },
      },
    };
  },

  routes(router) {
    router.get('/hello', (_req, res) => {
      const { config, tenant } = contextNow();
      const greeting = config.get<string>('greeting');
      res.json({ success: true, data: { message: `${greeting}, ${tenant}!`, tenant } });
    });

    router.get('/notes', async (_req, res) => {
      res.json({ success: true, data: { notes: await contextNow().metadata.getAll(NOTES, 0) } });
    });

    router.post('/ping', async (req, res) => {
      await contextNow().emit(PING, { text: textOf(req.body) });
      res.status(202).json({ success: true, data: { event: PING } });
    });

    router.post('/schedule', async (req, res) => {
      const note: NoteData = { noteId: crypto.randomUUID(), text: textOf(req.body) };
      const delay = delayOf(req.body);
      await contextNow().scheduler.scheduleOnce(NOTE_JOB, writeNote, delay, note);
      res.status(202).json({ success: true, data: { job: NOTE_JOB, noteId: note.noteId, delay } });
    });
  },
};

function textOf(body: unknown): string {
  const text = fieldOf(body, 'text');
  return typeof text === 'string' ? text.slice(0, 1_000) : '';
}

/** Milliseconds; one hour at most, since this is only a test. */
function delayOf(body: unknown): number {
  const delay = fieldOf(body, 'delay');
  return typeof delay === 'number' && delay >= 0 ? Math.min(delay, 3_600_000) : 100;
}

function fieldOf(body: unknown, field: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined;
}

export default plugin;
