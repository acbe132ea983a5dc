/** The envelope of every good answer (contract §5). */
export function success<T>(data: T): { success: true; data: T } {
  return { success: true, data };
}
