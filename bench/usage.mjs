/** What this process has cost so far, loading included: CPU-seconds, wall seconds, peak memory in MB. */
export function usage() {
  const { user, system } = process.cpuUsage();
  return {
    cpu: (user + system) / 1e6,
    wall: performance.now() / 1e3,
    peak: process.resourceUsage().maxRSS / 1024,
  };
}
