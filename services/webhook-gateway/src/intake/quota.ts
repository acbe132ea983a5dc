/** What is left of a plugin's requests per minute. */
export interface Quota {
  exceeded: boolean;
  limit: number;
  remaining: number;
  resetSeconds: number;
}
