#include "actors/weights/weight_header.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

using test::gguf_part;
using test::gguf_text;
using testing::HasSubstr;

class GgufHeader : public testing::Test {
 protected:
  caf::expected<weight_header> read(std::string_view text) const {
    test::write_text(file_, text);
    return read_gguf_header(file_);
  }
  std::string refusal(std::string_view text) const {
    const auto header = read(text);
    return header ? std::string{} : message_of(header.error());
  }
  std::string refusal(const gguf_part& part) const {
    return refusal(gguf_text("llama", {part}, 256));
  }

 private:
  test::temp_folder folder_;
  std::filesystem::path file_ = folder_.path() / "x.gguf";
};

TEST_F(GgufHeader, SaysArchitectureNamesShapesAndTypes) {
  const auto header =
      read(gguf_text("qwen2", {{"w", {256, 2}, 12, 0}, {"odd", {3}, 99, 288}}, 300));
  ASSERT_TRUE(header) << message_of(header.error());
  EXPECT_EQ(header->architecture, "qwen2");
  ASSERT_EQ(header->tensors.size(), 2u);
  EXPECT_EQ(header->tensors[0].name, "w");
  EXPECT_EQ(header->tensors[0].type, "Q4_K");
  EXPECT_EQ(header->tensors[0].shape, (std::vector<std::uint64_t>{256, 2}));
  EXPECT_EQ(header->tensors[0].elements, 512u);
  EXPECT_EQ(header->tensors[1].type, "type 99");
}

TEST_F(GgufHeader, ATruncatedFileIsRefusedWithWhatIsMissing) {
  const auto whole = gguf_text("llama", {{"w", {64, 2}, 1, 0}}, 256);
  ASSERT_EQ(refusal(whole), "");
  EXPECT_THAT(refusal(whole.substr(0, whole.size() - 100)), HasSubstr("100 bytes are missing"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
}

TEST_F(GgufHeader, WhatCannotBeIsRefused) {
  EXPECT_THAT(refusal("GGML" + std::string(100, '\0')), HasSubstr("does not begin with 'GGUF'"));
  EXPECT_THAT(refusal(gguf_part{"w", {0}, 1, 0}), HasSubstr("impossible dimensions"));
  EXPECT_THAT(refusal(gguf_part{"w", {1ull << 40, 1ull << 40}, 1, 0}),
              HasSubstr("impossible dimensions"));
  EXPECT_THAT(refusal(gguf_part{"w", {33}, 8, 0}), HasSubstr("no multiple of 32"));
  EXPECT_THAT(refusal(gguf_part{"w", {4}, 0, 7}), HasSubstr("begins at offset 7"));
  EXPECT_THAT(refusal(gguf_part{"w", {4}, 0, ~0ull - 31}), HasSubstr("beyond any disk"));
  EXPECT_THAT(refusal(gguf_part{"w", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 0}),
              HasSubstr("9 dimensions"));
  EXPECT_THAT(refusal(gguf_text("a\nb", {{"w", {4}, 0, 0}}, 16)), HasSubstr("control character"));
  auto text = gguf_text("llama", {{"w", {4}, 0, 0}}, 16);
  text[4] = 9;
  EXPECT_THAT(refusal(text), HasSubstr("GGUF version 9"));
  text[4] = 3;
  text[15] = 1;
  EXPECT_THAT(refusal(text), HasSubstr("it claims"));
}

TEST_F(GgufHeader, NoChangedByteDoesHarm) {
  const auto whole = gguf_text("llama", {{"w", {64, 2}, 1, 0}, {"v", {4}, 0, 256}}, 272);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size() - 272; ++at)
    for (const char with : {'\0', '\x7f', '\xff'}) {
      auto text = whole;
      text[at] = with;
      refused += refusal(text).empty() ? 0 : 1;
    }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace tandem
