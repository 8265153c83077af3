// Usage: plugin_host local|global PLUGIN...
// Loads the plugins and prints what each computes, one a line.
#include <dlfcn.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const int scope = std::string(argv[1]) == "global" ? RTLD_GLOBAL : RTLD_LOCAL;
  std::vector<const char* (*)()> functions;
  for (int k = 2; k < argc; ++k) {
    void* plugin = dlopen(argv[k], RTLD_NOW | scope);
    void* function = plugin ? dlsym(plugin, "result") : nullptr;
    if (!function) {
      std::fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    functions.push_back(reinterpret_cast<const char* (*)()>(function));
  }
  for (auto f : functions) std::puts(f());
  std::puts(functions[0]());
}
