#include "dini/exec/plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "dini/exec/chain.hpp"

namespace dini::exec {

namespace memory {
constexpr std::size_t align = 64;
std::size_t rounded(std::size_t bytes) { return std::max<std::size_t>((bytes + align - 1) / align * align, align); }
}  // namespace memory

// Arrays by the beginning of their lives; each takes the smallest free piece that it fits in. Those whose pointers move
// in loops have places of their own.
std::size_t assign_memory(std::vector<Slot>& all) {
  std::vector<Slot*> slots;
  std::size_t end = 0;
  for (Slot& s : all) {
    if (s.kind == Slot::dedicated) {
      s.offset = end;
      end += memory::rounded(s.bytes);
    } else if (s.kind == Slot::temporary && s.first >= 0) {
      slots.push_back(&s);
    }
  }
  std::stable_sort(slots.begin(), slots.end(), [](const Slot* a, const Slot* b) { return a->first < b->first; });
  std::multimap<int, Slot*> alive;                          // by the end of their lives
  std::map<std::size_t, std::size_t> pieces;                // free ones: offset, length
  std::set<std::pair<std::size_t, std::size_t>> by_length;  // length, offset
  auto add_piece = [&](std::size_t offset, std::size_t length) {
    by_length.emplace(length, offset);
    pieces.emplace(offset, length);
  };
  auto take_piece = [&](std::map<std::size_t, std::size_t>::iterator piece) {
    by_length.erase({piece->second, piece->first});
    pieces.erase(piece);
  };
  for (Slot* s : slots) {
    while (!alive.empty() && alive.begin()->first < s->first) {
      const Slot* dead = alive.begin()->second;
      std::size_t offset = dead->offset, length = memory::rounded(dead->bytes);
      if (auto next = pieces.find(offset + length); next != pieces.end()) {
        length += next->second;
        take_piece(next);
      }
      if (auto before = pieces.lower_bound(offset); before != pieces.begin()) {
        if (--before; before->first + before->second == offset) {
          offset = before->first;
          length += before->second;
          take_piece(before);
        }
      }
      add_piece(offset, length);
      alive.erase(alive.begin());
    }
    const std::size_t bytes = memory::rounded(s->bytes);
    if (const auto best = by_length.lower_bound({bytes, 0}); best != by_length.end()) {
      const auto [length, offset] = *best;
      s->offset = offset;
      take_piece(pieces.find(offset));
      if (length > bytes) add_piece(offset + bytes, length - bytes);
    } else {
      s->offset = end;
      end += bytes;
    }
    alive.emplace(s->last, s);
  }
  return end;
}

std::uint32_t slot_of(const Plan& plan, const OutputSource& from) {
  switch (from.kind) {
    case Slot::input: return static_cast<std::uint32_t>(from.index);
    case Slot::constant: return plan.constants[static_cast<std::size_t>(from.index)].first;
    default: return plan.allocated[static_cast<std::size_t>(from.index)].first;
  }
}

std::string print(const Block& block, const std::string& indent) {
  std::string out;
  for (const Step& s : block.steps) {
    if (const auto* chain = dynamic_cast<const ChainData*>(static_cast<const StepData*>(s.data))) {
      out += indent + chain->line() + "\n";
      continue;
    }
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
