export interface DemoTarget {
  platformUrl: string;
  registryUrl: string;
  killRunner(): Promise<void>;
}
export async function walkDemo(target: DemoTarget): Promise<void> {
  await target.killRunner();
}
