#include "actors/http_server/chunked_reader.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem {
namespace {

constexpr std::uint64_t chunked_body_max = 1'000;

/// The status, or 0 and the body; 1: wants more.
unsigned read_chunks(std::string_view bytes, std::string& out, std::size_t step = 1'000'000) {
  chunked_reader reader;
  out.clear();
  while (!bytes.empty()) {
    auto part = bytes.substr(0, step);
    auto progress = reader.feed(part, chunked_body_max, &out);
    if (progress.at == chunked_reader::result::done) return 0;
    if (progress.at == chunked_reader::result::refused) return reader.why().status;
    bytes.remove_prefix(progress.used);
  }
  return 1;
}

TEST(chunked_reader, DecodesWholeAndByteByByte) {
  std::string_view bytes =
      "5\r\nhello\r\n00b;name=\"a b\";x\r\n, chunked ok\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n";
  std::string out;
  EXPECT_EQ(read_chunks("5\r\nhello\r\n0\r\n\r\n", out), 0u);
  EXPECT_EQ(out, "hello");
  EXPECT_EQ(
      read_chunks("5\r\nhello\r\n00b;name=\"a b\";x\r\n, chunked o\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n",
                  out, 1),
      0u);
  EXPECT_EQ(out, "hello, chunked o");
  EXPECT_EQ(read_chunks(bytes, out), 400u);
}

TEST(chunked_reader, LeavesWhatFollowsTheBody) {
  chunked_reader reader;
  std::string out;
  std::string_view bytes = "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1";
  auto progress = reader.feed(bytes, chunked_body_max, &out);
  EXPECT_EQ(progress.at, chunked_reader::result::done);
  EXPECT_EQ(bytes.substr(progress.used), "GET / HTTP/1.1");
}

TEST(chunked_reader, RefusesWhatIsNoChunk) {
  using namespace std::string_literals;
  struct {
    std::string bytes;
    unsigned status;
  } rows[] = {
      {"\r\n", 400},
      {"g\r\n", 400},
      {"-1\r\n", 400},
      {"+1\r\n", 400},
      {"0x1\r\n", 400},
      {" 1\r\n", 400},
      {"1 \r\nx\r\n", 400},
      {"1 ;a\r\nx\r\n", 400},
      {"1\nx\r\n", 400},
      {"1\rx\r\n", 400},
      {";a\r\n", 400},
      {"1\r\nxy\r\n", 400},
      {"1\r\nx0\r\n\r\n", 400},
      {"1\r\nx\n0\r\n\r\n", 400},
      {"1\r\nx\r0\r\n\r\n", 400},
      {"1;a\x01\r\nx\r\n", 400},
      {"1;a\0\r\nx\r\n"s, 400},
      {"1;a\nb\r\nx\r\n", 400},
      {"00000000000000001\r\nx\r\n", 400},
      {"10000000000000000\r\n", 400},
      {"ffffffffffffffff\r\n", 413},
      {"3e9\r\n", 413},
      {"1\r\nx\r\nffffffffffffffff\r\n", 413},
      {"1\r\nx\r\n3e8\r\n", 413},
      {"1;" + std::string(5'000, 'a'), 400},
      {"0\r\n X: y\r\n\r\n", 400},
      {"0\r\nX: y\r\n z\r\n\r\n", 400},
      {"0\r\nX y\r\n\r\n", 400},
      {"0\r\nX : y\r\n\r\n", 400},
      {"0\r\n: y\r\n\r\n", 400},
      {"0\r\nX: y\n\r\n", 400},
      {"0\r\nX: y\x01\r\n\r\n", 400},
      {"0\r\n\rx", 400},
      {"0\r\nX: " + std::string(9'000, 'a'), 400},
  };
  std::string out;
  for (const auto& each : rows) {
    EXPECT_EQ(read_chunks(each.bytes, out), each.status) << each.bytes;
    EXPECT_EQ(read_chunks(each.bytes, out, 1), each.status) << each.bytes;
  }
}

TEST(chunked_reader, BoundsExtensionsOfAllChunksTogether) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "1;" + std::string(100, 'a') + "\r\nx\r\n";
  std::string out;
  EXPECT_EQ(read_chunks(bytes, out), 400u);
}

}  // namespace
}  // namespace tandem
