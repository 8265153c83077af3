// Usage: plugin_host local|global PLUGIN...
// Loads the plugins and prints what each computes, one a line; unloads them, which their sleeping threads have to survive.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const int scope = std::string(argv[1]) == "global" ? RTLD_GLOBAL : RTLD_LOCAL;
  std::vector<const char* (*)()> functions;
  std::vector<void*> plugins;
  for (int k = 2; k < argc; ++k) {
    void* plugin = dlopen(argv[k], RTLD_NOW | scope);
    void* function = plugin ? dlsym(plugin, "result") : nullptr;
    if (!function) {
      std::fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    plugins.push_back(plugin);
    functions.push_back(reinterpret_cast<const char* (*)()>(function));
  }
  for (auto f : functions) std::puts(f());
  std::puts(functions[0]());
  for (void* plugin : plugins) dlclose(plugin);
  usleep(10000);
}
