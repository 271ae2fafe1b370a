#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/weights/weight_header.hpp"
#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

using test::safetensors_text;
using testing::HasSubstr;

class SafetensorsHeader : public testing::Test {
 protected:
  caf::expected<weight_header> read(std::string_view text) const {
    test::write_text(file_, text);
    return read_safetensors_header(file_);
  }
  std::string refusal(std::string_view json, std::size_t data_bytes) const {
    const auto header = read(safetensors_text(json, data_bytes));
    return header ? std::string{} : message_of(header.error());
  }

 private:
  test::temp_folder folder_;
  std::filesystem::path file_ = folder_.path() / "x.safetensors";
};

TEST_F(SafetensorsHeader, SaysNamesShapesAndTypesInAnyOrder) {
  const auto header = read(safetensors_text(R"({"b":{"dtype":"BF16","shape":[2,2],
    "data_offsets":[4,12]},"__metadata__":{"format":"pt"},"a":{"shape":[],"data_offsets":[0,4],
    "dtype":"F32"},"none":{"dtype":"I8","shape":[0,5],"data_offsets":[12,12]}}   )",
                                            12));
  ASSERT_TRUE(header) << message_of(header.error());
  ASSERT_EQ(header->tensors.size(), 3u);
  EXPECT_EQ(header->tensors[0].name, "a");
  EXPECT_EQ(header->tensors[0].elements, 1u);
  EXPECT_EQ(header->tensors[1].type, "BF16");
  EXPECT_EQ(header->tensors[2].elements, 0u);
}

TEST_F(SafetensorsHeader, TensorsThatDoNotFillTheFileAreRefused) {
  const auto* json = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(refusal(json, 8), "");
  EXPECT_THAT(refusal(json, 5), HasSubstr("3 bytes are missing"));
  EXPECT_THAT(refusal(json, 9), HasSubstr("1 bytes follow"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
              HasSubstr("takes 8 bytes, but its data_offsets give it 4"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},
    "b":{"dtype":"I8","shape":[2],"data_offsets":[3,5]}})",
                      5),
              HasSubstr("'b' begins at offset 3, behind a gap"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},
    "b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}})",
                      3),
              HasSubstr("'b' begins at offset 1, within"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[4,2]}})", 2),
              HasSubstr("ends before it begins"));
}

TEST_F(SafetensorsHeader, WhatIsNoSuchJsonIsRefused) {
  EXPECT_NE(refusal("", 0), "");
  EXPECT_NE(refusal("[]", 0), "");
  EXPECT_NE(refusal(R"({"a":3})", 0), "");
  EXPECT_NE(refusal(R"({"a":{"dtype":"I8","shape":[-2],"data_offsets":[0,2]}})", 2), "");
  EXPECT_NE(refusal(R"({"a":{"dtype":"I8","shape":[1.5],"data_offsets":[0,2]}})", 2), "");
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,1,2]}})", 2),
              HasSubstr("no pair"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2]}})", 2), HasSubstr("lacks one of"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[2],"x":1}})", 2), HasSubstr("unknown member"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"I8","shape":[4294967296,4294967296],
    "data_offsets":[0,2]}})",
                      2),
              HasSubstr("impossible dimensions"));
  EXPECT_NE(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}} {})", 2), "");
  EXPECT_NE(refusal(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]})", 2), "");
}

TEST_F(SafetensorsHeader, HeadersOfImpossibleSizesAreRefusedBeforeTheyAreRead) {
  std::string text(8, '\0');
  EXPECT_NE(message_of(read(text).error()), "");
  text[7] = 0x7f;
  EXPECT_THAT(message_of(read(text).error()), HasSubstr("not a safetensors file: a header of"));
  text = safetensors_text("{}", 0);
  text[0] = 10;
  EXPECT_THAT(message_of(read(text).error()), HasSubstr("8 bytes of its header are missing"));
  EXPECT_THAT(message_of(read("abc").error()), HasSubstr("it has 3 bytes"));
}

}  // namespace
}  // namespace tandem
