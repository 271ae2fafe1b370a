#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/weights/weight_manifest.hpp"
#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using test::write_text;
using testing::HasSubstr;

class ManifestReader : public testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }

  fs::path put(const std::string& name, std::string_view text) const {
    fs::create_directories((folder() / name).parent_path());
    write_text(folder() / name, text);
    return folder() / name;
  }

  static std::string refusal(const fs::path& path) {
    const auto read = read_manifest(path);
    if (read) return {};
    EXPECT_EQ(code_of(read.error()), errc::invalid_argument);
    return message_of(read.error());
  }

  static weight_manifest model(const std::string& name) {
    auto out = read_manifest(fs::path{TANDEM_SOURCE_DIR} / "config/models" / name);
    EXPECT_TRUE(out) << message_of(out.error());
    return out ? *out : weight_manifest{};
  }

 private:
  test::temp_folder folder_;
};

TEST_F(ManifestReader, VersionsOfTheCommittedModelsFitAndOtherModelsDoNot) {
  const auto v1 = model("tandem-executor-v1-f16.gguf");
  const auto v2 = model("tandem-executor-v2-f16.gguf");
  const auto small = model("tandem-executor-v2-q8_0.gguf");
  const auto planner = model("tandem-planner-v1-f16.gguf");
  EXPECT_EQ(v1.format, schema::WeightFormat::GGUF);
  EXPECT_EQ(v1.architecture, "llama");
  EXPECT_GT(v1.parameters, 100'000u);
  EXPECT_THAT(v1.types, HasSubstr("F16 "));
  EXPECT_EQ(v1.files[0].path, v2.files[0].path) << "what a lone file is called is not its content";
  EXPECT_EQ(why_no_fit(v2, v1), "");
  EXPECT_EQ(why_no_fit(small, v1), "");
  EXPECT_THAT(why_no_fit(planner, v1),
              HasSubstr(std::to_string(planner.parameters) + " parameters"));
  EXPECT_NE(hash_of(encode(v1)), hash_of(encode(v2)));
}

TEST_F(ManifestReader, EqualFilesHaveEqualManifestsWithAnyNumberOfThreads) {
  const auto text = test::gguf_text("llama", {{"w", {64, 8}, 1, 0}}, 1024);
  const auto one = put("one.gguf", text), two = put("two.gguf", text);
  const auto a = read_manifest(one, 64, 1), b = read_manifest(two, 64, 7);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(encode(*a), encode(*b));
  EXPECT_EQ(a->chunk_count(), (text.size() + 63) / 64);
  EXPECT_EQ(a->chunk_hash(2), hash_of(std::string_view{text}.substr(128, 64)));
  EXPECT_EQ(a->parameters, 512u);
  EXPECT_EQ(a->types, "F16 100%");
}

TEST_F(ManifestReader, AFolderOfSafetensorsIsReadWithItsIndexAndConfig) {
  put("model-1.safetensors",
      test::safetensors_text(R"({"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}})", 12));
  put("model-2.safetensors",
      test::safetensors_text(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
  put("model.safetensors.index.json",
      R"({"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  put("config.json", R"({"model_type":"llama","architectures":["LlamaForCausalLM"]})");
  put("extra/notes.txt", "words");
  const auto split = read_manifest(folder());
  ASSERT_TRUE(split) << message_of(split.error());
  EXPECT_EQ(split->format, schema::WeightFormat::SAFETENSORS);
  EXPECT_EQ(split->architecture, "LlamaForCausalLM");
  EXPECT_EQ(split->parameters, 8u);
  EXPECT_EQ(split->types, "F16 75%, F32 25%");
  ASSERT_EQ(split->files.size(), 5u);
  EXPECT_EQ(split->files[1].path, "extra/notes.txt");

  put("whole/model.safetensors",
      test::safetensors_text(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "__metadata__":{"format":"pt"},
        "a":{"dtype":"F16","shape":[2,3],"data_offsets":[8,20]}})",
                             20));
  put("whole/config.json", R"({"model_type":"x","architectures":["LlamaForCausalLM"]})");
  const auto whole = read_manifest(folder() / "whole");
  ASSERT_TRUE(whole) << message_of(whole.error());
  EXPECT_EQ(why_no_fit(*whole, *split), "") << "however it is cut into files";
}

TEST_F(ManifestReader, AnIndexThatNamesWhatIsNotThereIsRefused) {
  put("model-1.safetensors",
      test::safetensors_text(R"({"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}})", 12));
  put("model.safetensors.index.json",
      R"({"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}})");
  EXPECT_THAT(refusal(folder()), HasSubstr("'model-2.safetensors', which is not in the folder"));
  put("model.safetensors.index.json", R"({"weight_map":{"b":"model-1.safetensors"}})");
  EXPECT_THAT(refusal(folder()), HasSubstr("tensor 'b' is in 'model-1.safetensors', but"));
  put("model.safetensors.index.json", R"({"weight_map":{"a":"../model-1.safetensors"}})");
  EXPECT_THAT(refusal(folder()), HasSubstr("which is not in the folder"));
  put("model.safetensors.index.json", R"({"weight_map":)");
  EXPECT_THAT(refusal(folder()), HasSubstr("no weight_map that can be read"));
}

TEST_F(ManifestReader, ATensorThatIsThereTwiceIsRefused) {
  const auto text =
      test::safetensors_text(R"({"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}})", 12);
  put("x.safetensors", text);
  put("y.safetensors", text);
  EXPECT_THAT(refusal(folder()),
              HasSubstr("'a' is there twice, in x.safetensors and y.safetensors"));
}

TEST_F(ManifestReader, PartsOfASplitGgufAreOneModel) {
  put("m-1.gguf", test::gguf_text("llama", {{"a", {32}, 0, 0}}, 128));
  put("m-2.gguf", test::gguf_text("", {{"b", {32}, 1, 0}}, 64));
  const auto read = read_manifest(folder());
  ASSERT_TRUE(read) << message_of(read.error());
  EXPECT_EQ(read->format, schema::WeightFormat::GGUF);
  EXPECT_EQ(read->architecture, "llama");
  EXPECT_EQ(read->parameters, 64u);
}

TEST_F(ManifestReader, AFolderOfNoKnownFormatIsCarriedAsItIs) {
  put("pytorch_model.bin", "anything");
  put("sub/empty", "");
  const auto read = read_manifest(folder());
  ASSERT_TRUE(read) << message_of(read.error());
  EXPECT_EQ(read->format, schema::WeightFormat::UNKNOWN);
  EXPECT_EQ(read->files.size(), 2u);
  EXPECT_EQ(read->parameters, 0u);
}

TEST_F(ManifestReader, LinksAreFollowedOnlyWithinTheFolder) {
  put("m/blob", "text");
  fs::create_symlink("blob", folder() / "m/name");
  const auto inside = read_manifest(folder() / "m");
  ASSERT_TRUE(inside) << message_of(inside.error());
  EXPECT_EQ(inside->files[1].path, "name");
  EXPECT_EQ(inside->files[1].bytes, 4u);
  put("secret", "text");
  fs::create_symlink("../secret", folder() / "m/out");
  EXPECT_THAT(refusal(folder() / "m"), HasSubstr("a link out of the folder"));
  fs::remove(folder() / "m/out");
  fs::create_directory_symlink(".", folder() / "m/loop");
  EXPECT_THAT(refusal(folder() / "m"), HasSubstr("a link to no file"));
  fs::remove(folder() / "m/loop");
  fs::create_symlink("nowhere", folder() / "m/out");
  EXPECT_THAT(refusal(folder() / "m"), HasSubstr("a link to nothing"));
}

TEST_F(ManifestReader, WhatIsNoFileIsRefused) {
  EXPECT_THAT(refusal(folder() / "absent"), HasSubstr("No such file"));
  fs::create_directory(folder() / "empty");
  EXPECT_THAT(refusal(folder() / "empty"), HasSubstr("an empty folder"));
  ASSERT_EQ(::mkfifo((folder() / "empty/pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder() / "empty"), HasSubstr("neither a file nor a folder"));
  EXPECT_THAT(refusal(folder() / "empty/pipe"), HasSubstr("neither a file nor a folder"));
  put("bad/a\xff", "text");
  EXPECT_THAT(refusal(folder() / "bad"), HasSubstr("UTF-8"));
}

TEST_F(ManifestReader, StopsWhenToldSo) {
  put("a", "text");
  const std::atomic<bool> stop{true};
  const auto read = read_manifest(folder(), 0, 2, &stop);
  ASSERT_FALSE(read);
  EXPECT_EQ(code_of(read.error()), errc::cancelled);
}

TEST_F(ManifestReader, ChunksGrowWithTheSize) {
  const auto small = put("m/small", "text");
  EXPECT_EQ(read_manifest(folder() / "m")->chunk_bytes, chunk_bytes_default);
  EXPECT_THAT(message_of(read_manifest(folder() / "m", 1u << 30).error()), HasSubstr("at most"));
}

}  // namespace
}  // namespace tandem
