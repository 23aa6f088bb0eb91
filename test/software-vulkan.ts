import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The manifest of SwiftShader, a Vulkan that runs on the CPU and comes with every Chromium; undefined, said loudly, where it
 * or the Vulkan loader is missing.
 */
export function softwareVulkan(): string | undefined {
  const driver = swiftShader();
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const libraries = spawnSync("ldconfig", ["-p"], { encoding: "utf8", env }).stdout ?? "";
  if (driver !== undefined && libraries.includes("libvulkan.so.1")) return driver;
  console.log("SKIPPED WebGPU: no software Vulkan (apt-get install chromium libvulkan1)");
  return undefined;
}

function swiftShader(): string | undefined {
  const name = "vk_swiftshader_icd.json";
  const browsers = join(homedir(), ".cache", "ms-playwright");
  const found = existsSync(browsers)
    ? readdirSync(browsers, { recursive: true })
        .map(String)
        .filter((path) => path.endsWith(name))
        .map((path) => join(browsers, path))
    : [];
  const folders = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];
  return [...folders.map((folder) => join(folder, name)), ...found].find((path) => existsSync(path));
}
