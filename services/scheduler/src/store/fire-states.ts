/** Conditions of SQL on `fires.state`, written like the partial indexes that serve them. */
export const WAITING = "state IN ('due', 'failed')";
export const UNDER_WAY = "state IN ('sending', 'sent')";
export const UNFINISHED = "state IN ('due', 'sending', 'sent', 'failed')";
