#include "actors/engine/http/sse_reader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> read_in_pieces(std::string_view bytes, std::size_t piece_bytes,
                                        std::size_t event_bytes_max = 1000) {
  sse_reader reader{event_bytes_max};
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    // A copy of its own, gone after it was read.
    std::string piece{bytes.substr(at, piece_bytes)};
    reader.feed(piece);
    while (auto event = reader.next()) out.emplace_back(*event);
  }
  while (auto event = reader.finish()) out.emplace_back(*event);
  return out;
}

std::vector<std::string> read(std::string_view bytes) {
  return read_in_pieces(bytes, bytes.size() + 1);
}

TEST(SseReader, TellsTheDataOfEachEvent) {
  EXPECT_THAT(read("data: one\n\ndata: two\n\n"), ElementsAre("one", "two"));
}

TEST(SseReader, TakesEveryKindOfLineEnd) {
  EXPECT_THAT(read("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\n"),
              ElementsAre("a", "b", "c", "d"));
}

TEST(SseReader, JoinsDataOfManyLines) {
  EXPECT_THAT(read("data: a\ndata: b\ndata:\ndata: c\n\n"), ElementsAre("a\nb\n\nc"));
}

TEST(SseReader, SkipsCommentsAndOtherFields) {
  EXPECT_THAT(read(": ping\n\nevent: x\nid: 7\ndata: a\nretry: 5\n\n:\n\nevent: alone\n\n"),
              ElementsAre("a"));
}

TEST(SseReader, TakesOneBlankAfterTheColonAndNoMore) {
  EXPECT_THAT(read("data:a\n\ndata:  b\n\ndatax: c\n\n"), ElementsAre("a", " b"));
}

TEST(SseReader, SkipsAByteOrderMarkAtTheStartAlone) {
  EXPECT_THAT(read("\xef\xbb\xbf"
                   "data: a\n\n\xef\xbb\xbf"
                   "data: b\n\n"),
              ElementsAre("a"));
}

TEST(SseReader, ReadsTheSameInWhateverPieces) {
  std::string bytes =
      "\xef\xbb\xbf"
      ": hello\r\n\r\ndata: {\"a\":1}\n\ndata: x\r\ndata:  y\r\n\r\n\n\nevent: e\rdata: z\r\r"
      "data\n\ndata: \xc3\xa4\n\ndata: [DONE]\n\n";
  auto whole = read(bytes);
  EXPECT_THAT(whole, ElementsAre("{\"a\":1}", "x\n y", "z", "\xc3\xa4", "[DONE]"));
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_EQ(read_in_pieces(bytes, size), whole) << size;
}

TEST(SseReader, TellsDataThatLacksItsBlankLineAtTheEnd) {
  EXPECT_THAT(read("data: a\n\ndata: b\n"), ElementsAre("a", "b"));
  EXPECT_THAT(read("data: a\n\ndata: [DONE]"), ElementsAre("a", "[DONE]"));
}

TEST(SseReader, DoesNotTellACutLine) {
  EXPECT_THAT(read("data: {\"a\":"), IsEmpty());
  EXPECT_THAT(read("data: [DON"), IsEmpty());
}

TEST(SseReader, EndsALineThatHasNoEnd) {
  sse_reader reader{100};
  std::string piece(60, 'x');
  reader.feed(piece);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.too_large());
  reader.feed(piece);
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.too_large());
  reader.feed("\n\ndata: a\n\n");
  EXPECT_FALSE(reader.next());
}

TEST(SseReader, EndsAnEventThatHasNoEnd) {
  sse_reader reader{100};
  for (int i = 0; i < 20; ++i) {
    reader.feed("data: 0123456789\n");
    EXPECT_FALSE(reader.next());
  }
  EXPECT_TRUE(reader.too_large());
  EXPECT_FALSE(reader.finish());
}

TEST(SseReader, DoesNotCopyAnEventWithinAPiece) {
  sse_reader reader{100};
  std::string piece = "data: one\n\ndata: two\n\n";
  reader.feed(piece);
  EXPECT_EQ(reader.next()->data(), piece.data() + 6);
  EXPECT_EQ(reader.next()->data(), piece.data() + 17);
}

}  // namespace
}  // namespace tandem
