#include "actors/engine/embedded/gguf_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/engine/embedded/embedded_fixture.hpp"
#include "tests/unit/engine/embedded/gguf_builder.hpp"

namespace tandem::embedded {
namespace {

using namespace testing;
using builder = gguf_builder;

/// The error of parsing these bytes; empty when they parse.
std::string parse_error(const std::string& bytes) {
  // A copy of the exact size, so that a sanitizer sees a read past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    gguf_file::parse({reinterpret_cast<const std::byte*>(exact.data()), exact.size()}, "test");
  } catch (const gguf_error& error) {
    EXPECT_TRUE(std::string_view(error.what()).starts_with("test: ")) << error.what();
    return error.what();
  }
  return {};
}

void expect_error(const std::string& bytes, std::string_view part) {
  const auto error = parse_error(bytes);
  EXPECT_NE(error.find(part), std::string::npos) << "got: " << error;
}

std::string committed_model() {
  std::ifstream in(model_path("tandem-executor-v1-q8_0"), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(gguf_file, ReadsACommittedModel) {
  const auto file = gguf_file::open(model_path("tandem-planner-v1-q8_0"));
  EXPECT_EQ(file.version(), "1");
  EXPECT_EQ(file.find_string("general.architecture"), "llama");
  EXPECT_EQ(file.find_uint("llama.embedding_length"), 128U);
  EXPECT_NEAR(file.find_float("llama.rope.freq_base").value(), 10'000, 0.1);
  EXPECT_EQ(file.find_strings("tandem.modes"),
            (std::vector<std::string_view>{"plan", "act", "answer"}));
  EXPECT_EQ(file.find_uint("absent"), std::nullopt);
  EXPECT_EQ(file.tensors().size(), 3U + 6 * 9);
  const auto& embedding = file.tensors().at("token_embd.weight");
  EXPECT_EQ(embedding.type, tensor_type::q8_0);
  EXPECT_EQ(embedding.data.size(), 392U * 128 / 32 * 34);
}

TEST(gguf_file, ReadsVersionTwoAndANumericModelVersion) {
  auto file = tiny_model();
  file.version = 2;
  file.put("general.version", 11, builder::raw<std::int64_t>(12));
  const auto bytes = file.bytes();
  EXPECT_EQ(gguf_file::parse(as_bytes(bytes), "test").version(), "12");
}

TEST(gguf_file, RefusesAFileCutAtAnyByte) {
  const auto whole = committed_model();
  ASSERT_EQ(parse_error(whole), "");
  const std::size_t header = 16 << 10;
  for (std::size_t size = 0; size < whole.size() - 32; size += size < header ? 1 : 4099) {
    ASSERT_NE(parse_error(whole.substr(0, size)), "") << "cut to " << size << " bytes";
  }
}

TEST(gguf_file, SurvivesAnyFlippedHeaderByte) {
  const auto whole = tiny_model().bytes();
  for (std::size_t at = 0; at < std::min<std::size_t>(whole.size(), 8 << 10); ++at) {
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      auto changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ mask);
      parse_error(changed);  // an error or not; the sanitizers judge the rest
    }
  }
}

TEST(gguf_file, NamesWhatIsNotGguf) {
  expect_error("", "truncated");
  expect_error("PK\x03\x04 and more", "not a GGUF file");
  auto big_endian = tiny_model();
  big_endian.version = 0x03000000;
  expect_error(big_endian.bytes(), "not supported");
}

TEST(gguf_file, RefusesAbsurdCounts) {
  auto file = tiny_model();
  file.extra_tensors = std::uint64_t{1} << 60;
  expect_error(file.bytes(), "at most 4096");
  file = tiny_model();
  file.extra_metadata = 65'536;
  expect_error(file.bytes(), "at most 4096 and 65536");
  file = tiny_model();
  file.extra_tensors = 1;
  EXPECT_NE(parse_error(file.bytes()), "");
}

TEST(gguf_file, RefusesAbsurdStringsAndArrays) {
  auto file = tiny_model();
  file.put("x", 8, builder::raw<std::uint64_t>(~0ULL));
  expect_error(file.bytes(), "truncated");
  file.put("x", 9, builder::raw<std::uint32_t>(10) + builder::raw<std::uint64_t>(1ULL << 61));
  expect_error(file.bytes(), "claims 2305843009213693952 elements");
  file.put("x", 9, builder::raw<std::uint32_t>(8) + builder::raw<std::uint64_t>(1ULL << 40));
  expect_error(file.bytes(), "elements");
  file.put("x", 9, builder::raw<std::uint32_t>(9) + builder::raw<std::uint64_t>(1));
  expect_error(file.bytes(), "holds arrays");
  file.put("x", 13, "");
  expect_error(file.bytes(), "value type 13");
  file.erase("x");
  file.put_uint("", 1);
  expect_error(file.bytes(), "a metadata key has 0 bytes");
}

TEST(gguf_file, RefusesTensorsThatDoNotFit) {
  const auto refuses = [](std::string_view part, auto change) {
    auto file = tiny_model();
    change(file, file.find("output.weight"));
    expect_error(file.bytes(), part);
  };
  refuses("dimensions", [](auto&, auto& t) { t.dims = {}; });
  refuses("dimensions", [](auto&, auto& t) { t.dims = {1, 1, 1, 1, 1}; });
  refuses("impossible", [](auto&, auto& t) { t.dims = {8, 0}; });
  refuses("impossible", [](auto&, auto& t) { t.dims = {1ULL << 32, 1ULL << 32}; });
  refuses("impossible", [](auto&, auto& t) { t.dims = {~0ULL, ~0ULL, ~0ULL, ~0ULL}; });
  refuses("impossible", [](auto&, auto& t) { t.type = 8; });  // rows of 8
  refuses("only f32, f16 and q8_0", [](auto&, auto& t) { t.type = 2; });
  refuses("truncated: tensor 'output.weight'", [](auto&, auto& t) { t.dims = {8, 1000}; });
  refuses("multiple of the alignment", [](auto&, auto& t) { t.offset_error = 4; });
  refuses("truncated", [](auto&, auto& t) { t.offset_error = std::int64_t{1} << 62; });
  refuses("truncated", [](auto&, auto& t) { t.offset_error = 32; });
  refuses("occurs twice", [](auto& f, auto&) { f.put_tensor("output.weight", {1}, {1}); });
  refuses("alignment is 48", [](auto& f, auto&) { f.put_uint("general.alignment", 48); });
  refuses("alignment is 0", [](auto& f, auto&) { f.put_uint("general.alignment", 0); });
  refuses("occurs twice",
          [](auto& f, auto&) { f.append("general.version", 4, builder::raw<std::uint32_t>(1)); });
}

TEST(gguf_file, KeepsControlCharactersOutOfErrors) {
  auto file = tiny_model();
  file.put("x\n\x1b[31m", 13, "");
  const auto error = parse_error(file.bytes());
  EXPECT_EQ(error.find_first_of("\n\x1b"), std::string::npos) << error;
}

TEST(gguf_file, RefusesMetadataOfTheWrongType) {
  auto file = tiny_model();
  file.put("negative", 5, builder::raw<std::int32_t>(-1));
  const auto bytes = file.bytes();
  const auto parsed = gguf_file::parse(as_bytes(bytes), "test");
  EXPECT_THROW(static_cast<void>(parsed.find_uint("negative")), gguf_error);
  EXPECT_THROW(static_cast<void>(parsed.find_uint("general.architecture")), gguf_error);
  EXPECT_THROW(static_cast<void>(parsed.find_string("llama.block_count")), gguf_error);
  EXPECT_THROW(static_cast<void>(parsed.find_float("llama.block_count")), gguf_error);
}

TEST(gguf_file, NamesTheFileThatCannotBeOpened) {
  for (const auto& path : {model_path("no-such-model"), model_path("x").parent_path()}) {
    try {
      gguf_file::open(path);
      ADD_FAILURE() << path;
    } catch (const gguf_error& error) {
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace tandem::embedded
