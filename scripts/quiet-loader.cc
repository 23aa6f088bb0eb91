// Takes the place of tfjs-node-gpu's addon and loads the real one beside it. While libtensorflow starts, it prints to
// stderr at any log level, which a notebook would show as an error, so stderr is discarded meanwhile. It also sets defaults
// that TensorFlow reads once at that moment: few messages, GPU memory as needed, and no TF32, whose ten bits of mantissa
// would blur similarity thresholds.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

NAPI_MODULE_INIT() {
  setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
  setenv("TF_FORCE_GPU_ALLOW_GROWTH", "true", 0);
  setenv("NVIDIA_TF32_OVERRIDE", "0", 0);
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self);
  const std::string path(self.dli_fname);
  const std::string real = path.substr(0, path.rfind('/') + 1) + "tfjs_native.node";

  const int saved = dup(2);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (saved >= 0 && nowhere >= 0) dup2(nowhere, 2);
  void* library = dlopen(real.c_str(), RTLD_LAZY);
  if (saved >= 0 && nowhere >= 0) dup2(saved, 2);
  if (saved >= 0) close(saved);
  if (nowhere >= 0) close(nowhere);

  auto start = library == nullptr ? nullptr
                                  : reinterpret_cast<decltype(&napi_register_module_v1)>(
                                        dlsym(library, "napi_register_module_v1"));
  if (start == nullptr) {
    napi_throw_error(env, nullptr, dlerror());
    return nullptr;
  }
  return start(env, exports);
}
