#include "dini/exec/plan.hpp"

#include <algorithm>
#include <map>

namespace dini::exec {

namespace memory {
constexpr std::size_t align = 64;
std::size_t rounded(std::size_t bytes) { return std::max<std::size_t>((bytes + align - 1) / align * align, align); }
}  // namespace memory

// Arrays by the beginning of their lives; each takes the smallest free piece that it fits in. Those whose pointers move
// in loops have places of their own.
void assign_memory(Plan& plan) {
  std::vector<Slot*> slots;
  std::size_t end = 0;
  for (Slot& s : plan.slots) {
    if (s.kind == Slot::dedicated) {
      s.offset = end;
      end += memory::rounded(s.bytes);
    } else if (s.kind == Slot::temporary && s.first >= 0) {
      slots.push_back(&s);
    }
  }
  std::stable_sort(slots.begin(), slots.end(), [](const Slot* a, const Slot* b) { return a->first < b->first; });
  std::multimap<int, Slot*> alive;            // by the end of their lives
  std::map<std::size_t, std::size_t> pieces;  // free ones: offset, length
  for (Slot* s : slots) {
    while (!alive.empty() && alive.begin()->first < s->first) {
      const Slot* dead = alive.begin()->second;
      auto at = pieces.emplace(dead->offset, memory::rounded(dead->bytes)).first;
      if (auto next = std::next(at); next != pieces.end() && at->first + at->second == next->first) {
        at->second += next->second;
        pieces.erase(next);
      }
      if (at != pieces.begin()) {
        if (auto before = std::prev(at); before->first + before->second == at->first) {
          before->second += at->second;
          pieces.erase(at);
        }
      }
      alive.erase(alive.begin());
    }
    const std::size_t bytes = memory::rounded(s->bytes);
    auto best = pieces.end();
    for (auto at = pieces.begin(); at != pieces.end(); ++at) {
      if (at->second >= bytes && (best == pieces.end() || at->second < best->second)) best = at;
    }
    if (best != pieces.end()) {
      s->offset = best->first;
      if (best->second > bytes) pieces.emplace(best->first + bytes, best->second - bytes);
      pieces.erase(best);
    } else {
      s->offset = end;
      end += bytes;
    }
    alive.emplace(s->last, s);
  }
  plan.workspace_bytes = end;
}

std::string print(const Block& block, const std::string& indent) {
  std::string out;
  for (const Step& s : block.steps) {
    out += indent + s.name;
    if (s.a || s.b || s.d) {
      out += " " + std::to_string(s.a);
      if (s.b != s.a) out += " " + std::to_string(s.b);
      if (s.c != s.a) out += " " + std::to_string(s.c);
      out += " -> " + std::to_string(s.d);
    }
    out += "\n";
    if (s.data) out += static_cast<const StepData*>(s.data)->str(indent + "  ");
  }
  return out;
}

}  // namespace dini::exec
