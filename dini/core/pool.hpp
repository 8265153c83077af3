// The process's threads: pieces of one operation are run by all of them.
//
// What a piece is depends on the operation and its shapes, never on the number of threads, so that results do not, either. Each piece has a
// home, the same thread from call to call, so that what it reads stays in that processor's cache; who has done his own takes others'.
// The caller never waits for a thread that has not begun: it takes the pieces that nobody has, and waits for those that somebody is at.
// While a call has the pool, another thread's call, and one from within a piece, run their pieces by themselves. A child of fork begins
// without threads.
#pragma once

#include <cstddef>

#include "dini/core/threads.hpp"

namespace dini::detail {

using Piece = void (*)(void* argument, std::size_t number);

/// In which order a thread takes the pieces that have their home with it. Going back through a large operand on every second call
/// finds in the cache what the call before had read last.
enum class PieceOrder { forwards, backwards };

/// Runs all pieces, numbered from 0 on, on any threads, nothing said of what runs before what. The threads look at the caller's
/// CancelScopes. The first exception that a piece throws is thrown to the caller when no thread is at a piece any more; pieces that had
/// not begun are left out.
void run_pieces(std::size_t pieces, Piece piece, void* argument, PieceOrder order = PieceOrder::forwards);

template <class F> void for_pieces(std::size_t pieces, const F& f, PieceOrder order = PieceOrder::forwards) {
  run_pieces(
      pieces, [](void* argument, std::size_t number) { (*static_cast<const F*>(argument))(number); },
      const_cast<F*>(&f), order);
}

/// Whether the calling thread runs a piece now.
bool within_piece();

}  // namespace dini::detail
