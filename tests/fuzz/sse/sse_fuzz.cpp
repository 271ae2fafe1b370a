// Any bytes as a stream of events: what is read does not depend on how the bytes were cut, and no
// event is longer than allowed.
//
// Input: the size of the pieces, the longest event in units of 8 bytes, the stream.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "actors/engine/http/sse_reader.hpp"

namespace {

using namespace tandem;

struct reading {
  std::vector<std::string> events;
  bool too_large = false;
};

void require(bool holds) {
  if (!holds) std::abort();
}

reading read(std::string_view stream, std::size_t piece, std::size_t most) {
  reading out;
  sse_reader reader{most};
  auto keep = [&](std::string_view data) {
    require(!data.empty() && data.size() <= most);
    out.events.emplace_back(data);
  };
  while (!stream.empty() && !reader.too_large()) {
    // A copy of its own, so that a view into an earlier piece is a finding.
    std::vector<char> bytes(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(
                                                                 std::min(piece, stream.size())));
    stream.remove_prefix(bytes.size());
    reader.feed({bytes.data(), bytes.size()});
    while (auto data = reader.next()) keep(*data);
  }
  if (auto last = reader.finish()) keep(*last);
  out.too_large = reader.too_large();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  auto piece = std::size_t{data[0]} + 1;
  auto most = (std::size_t{data[1]} + 1) * 8;
  std::string_view stream{reinterpret_cast<const char*>(data) + 2, size - 2};
  auto whole = read(stream, std::max<std::size_t>(1, stream.size()), most);
  auto cut = read(stream, piece, most);
  auto bytes = read(stream, 1, most);
  require(whole.too_large == cut.too_large && cut.too_large == bytes.too_large);
  require(whole.events == cut.events && cut.events == bytes.events);
  return 0;
}
