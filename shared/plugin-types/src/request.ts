import type { Request } from 'express';

/** A request as a plugin's handler gets it: Express's, with who asks (contract §1). JSON bodies are parsed, up to 15 MB. */
export interface PluginRequest extends Request {
  /** The same as the context's tenant. */
  tenantId?: string;
  /** Who asks; absent for webhooks, whose senders have no account. */
  userId?: string;
  role?: string;
}
