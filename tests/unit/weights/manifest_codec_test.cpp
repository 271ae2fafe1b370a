#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "actors/weights/weight_manifest.hpp"
#include "schema/errc.hpp"
#include "tests/unit/weights/weight_files.hpp"

namespace tandem {
namespace {

using test::manifest_of;
using testing::HasSubstr;

weight_manifest small_manifest() {
  auto out = manifest_of({{"config.json", "{}"}, {"parts/a", "0123456789"}, {"zero", ""}}, 4);
  out.format = schema::WeightFormat::SAFETENSORS;
  out.architecture = "llama";
  out.shapes = hash_of("shapes");
  out.parameters = 7;
  out.types = "F16 98%, F32 2%";
  return out;
}

/// Why these files are no manifest; empty: they are.
std::string refusal(const weight_manifest& manifest) {
  const auto decoded = decode_manifest(encode(manifest));
  if (decoded) return {};
  EXPECT_EQ(code_of(decoded.error()), errc::malformed_message);
  return message_of(decoded.error());
}

std::string refusal_of_paths(std::vector<std::string> paths) {
  std::vector<test::made_file> files;
  for (auto& path : paths) files.push_back({std::move(path), "text"});
  return refusal(manifest_of(files, 4));
}

TEST(ManifestCodec, WhatIsWrittenIsReadBack) {
  const auto before = small_manifest();
  const auto after = decode_manifest(encode(before));
  ASSERT_TRUE(after) << message_of(after.error());
  EXPECT_EQ(after->chunk_bytes, 4u);
  ASSERT_EQ(after->files.size(), 3u);
  EXPECT_EQ(after->files[1].path, "parts/a");
  EXPECT_EQ(after->files[1].bytes, 10u);
  EXPECT_EQ(after->files[1].chunks, before.files[1].chunks);
  EXPECT_EQ(after->files[2].bytes, 0u);
  EXPECT_EQ(after->format, before.format);
  EXPECT_EQ(after->architecture, "llama");
  EXPECT_EQ(after->shapes, before.shapes);
  EXPECT_EQ(after->parameters, 7u);
  EXPECT_EQ(after->types, before.types);
  EXPECT_EQ(encode(*after), encode(before));
}

TEST(ManifestCodec, TheHashOfAManifestIsTheSameInEveryBuild) {
  EXPECT_EQ(to_hex(hash_of(encode(small_manifest()))),
            "7c3c0b16ef0591f681b9681f4110c9edd1fa83e54a60b6cf483a51929f6ebe48");
  EXPECT_EQ(to_hex(hash_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ManifestCodec, ChunksAreCountedOverAllFiles) {
  const auto manifest = small_manifest();
  EXPECT_EQ(manifest.bytes(), 12u);
  ASSERT_EQ(manifest.chunk_count(), 4u);
  const auto last = manifest.place(3);
  EXPECT_EQ(last.file, 1u);
  EXPECT_EQ(last.offset, 8u);
  EXPECT_EQ(last.bytes, 2u);
  EXPECT_EQ(manifest.chunk_hash(3), hash_of("89"));
  EXPECT_EQ(manifest.place(4).bytes, 0u);
}

TEST(ManifestCodec, ChunksOfOtherVersionsAreFoundAtTheSamePlace) {
  const auto next = manifest_of({{"a", "0123456789"}, {"b", "01234"}}, 4);
  const auto base = manifest_of({{"Z", "01234567"}, {"a", "012345678"}, {"b", "01239"}}, 4);
  EXPECT_EQ(same_place(next, 1, base), std::optional<std::size_t>{3});
  EXPECT_EQ(same_place(next, 2, base), std::nullopt) << "2 bytes here, 1 there";
  EXPECT_EQ(same_place(next, 4, base), std::optional<std::size_t>{6});
  EXPECT_EQ(same_place(next, 5, base), std::nullopt);
  EXPECT_EQ(same_place(next, 0, manifest_of({{"a", "0123456789"}}, 2)), std::nullopt);
}

TEST(ManifestCodec, PathsOutOfTheFolderAreRefused) {
  EXPECT_THAT(refusal_of_paths({"../../etc/passwd"}), HasSubstr("'..' in it"));
  EXPECT_THAT(refusal_of_paths({"a/../../b"}), HasSubstr("'..' in it"));
  EXPECT_THAT(refusal_of_paths({"./a"}), HasSubstr("'.' in it"));
  EXPECT_THAT(refusal_of_paths({"/etc/passwd"}), HasSubstr("is absolute"));
  EXPECT_THAT(refusal_of_paths({""}), HasSubstr("is empty"));
  EXPECT_THAT(refusal_of_paths({"a//b"}), HasSubstr("an empty name"));
  EXPECT_THAT(refusal_of_paths({"a/"}), HasSubstr("an empty name"));
  EXPECT_EQ(refusal_of_paths({"..a/b..", "...", "a.b"}).find("'..'"), std::string::npos);
}

TEST(ManifestCodec, NamesThatNoFolderTakesAreRefused) {
  EXPECT_THAT(refusal_of_paths({std::string("a\0b", 3)}), HasSubstr("control character"));
  EXPECT_THAT(refusal_of_paths({"a\nb"}), HasSubstr("control character"));
  EXPECT_THAT(refusal_of_paths({"a\x7f"}), HasSubstr("control character"));
  EXPECT_THAT(refusal_of_paths({"a\xff"}), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal_of_paths({"a/" + std::string(256, 'x')}), HasSubstr("name of 256 bytes"));
  EXPECT_EQ(refusal_of_paths({"a/" + std::string(255, 'x')}), "");
  std::string deep = "a";
  while (deep.size() < 1024) deep += "/a";
  EXPECT_THAT(refusal_of_paths({deep}), HasSubstr("at most 1024"));
  EXPECT_EQ(refusal_of_paths({"gewichte für alle"}), "");
}

TEST(ManifestCodec, FilesThatAreInEachOthersWayAreRefused) {
  EXPECT_THAT(refusal_of_paths({"a", "a"}), HasSubstr("'a' is there twice"));
  EXPECT_THAT(refusal_of_paths({"b", "a"}), HasSubstr("'a' comes after 'b'"));
  EXPECT_THAT(refusal_of_paths({"a", "a-x", "a/b"}), HasSubstr("'a/b' lies below 'a'"));
  EXPECT_EQ(refusal_of_paths({"a-x", "a/b", "a/c", "ab"}), "");
  EXPECT_THAT(refusal_of_paths({}), HasSubstr("0 files"));
  EXPECT_THAT(refusal_of_paths(std::vector<std::string>(4097, "a")), HasSubstr("4097 files"));
}

TEST(ManifestCodec, SizesAndCountsThatCannotBeAreRefused) {
  auto manifest = manifest_of({{"a", "0123456789"}}, 4);
  manifest.chunk_bytes = 0;
  EXPECT_THAT(refusal(manifest), HasSubstr("chunks of 0 bytes"));
  manifest.chunk_bytes = 64 * 1024 * 1024 + 1;
  EXPECT_THAT(refusal(manifest), HasSubstr("chunks of 67108865 bytes"));
  manifest.chunk_bytes = 4;
  manifest.files[0].chunks.pop_back();
  EXPECT_THAT(refusal(manifest), HasSubstr("has 3 chunks, but 64 bytes of hashes"));
  manifest.files[0].bytes = ~std::uint64_t{0};
  EXPECT_THAT(refusal(manifest), HasSubstr("larger than any disk"));
  manifest.files = {{"a", std::uint64_t{1} << 61, {}}, {"b", (std::uint64_t{1} << 62) - 1, {}}};
  EXPECT_NE(refusal(manifest), "");
}

TEST(ManifestCodec, TextsWithControlCharactersAreRefused) {
  auto manifest = small_manifest();
  manifest.architecture = "ll\x1b[2Jama";
  EXPECT_THAT(refusal(manifest), HasSubstr("the architecture"));
  manifest = small_manifest();
  manifest.types = std::string(2000, 'x');
  EXPECT_THAT(refusal(manifest), HasSubstr("the types"));
}

TEST(ManifestCodec, TruncatedOrChangedBytesAreNoManifestOrAnotherOne) {
  const auto whole = encode(small_manifest());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_manifest(std::string_view{whole}.substr(0, size))) << size;
  EXPECT_FALSE(decode_manifest(whole + std::string(8, '\0')));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    const auto decoded = decode_manifest(changed);
    if (!decoded) continue;
    EXPECT_TRUE(encode(*decoded) == changed) << bit;
  }
}

TEST(ManifestCodec, OnlyTheCanonicalFormIsTaken) {
  capnp::MallocMessageBuilder arena;
  auto root = arena.initRoot<schema::WeightManifest>();
  root.setTypes("first, though it comes last");
  root.setChunkBytes(4);
  root.setShapes(kj::heapArray<capnp::byte>(32));
  root.initFiles(1)[0].setPath("a");
  const auto words = capnp::messageToFlatArray(arena);
  const auto decoded =
      decode_manifest({reinterpret_cast<const char*>(words.begin()), words.asBytes().size()});
  ASSERT_FALSE(decoded);
  EXPECT_THAT(message_of(decoded.error()), HasSubstr("canonical"));
}

TEST(ManifestFit, SaysWhatDoesNotFit) {
  const auto now = small_manifest();
  EXPECT_EQ(why_no_fit(now, now), "");
  auto next = now;
  next.types = "Q8_0 100%";
  EXPECT_EQ(why_no_fit(next, now), "") << "other element types of the same shapes fit";
  next.format = schema::WeightFormat::GGUF;
  EXPECT_THAT(why_no_fit(next, now), HasSubstr("gguf, those of now are safetensors"));
  next = now;
  next.architecture = "qwen2";
  EXPECT_THAT(why_no_fit(next, now), HasSubstr("are qwen2, those of now are llama"));
  next = now;
  next.shapes = hash_of("others");
  next.parameters = 9;
  EXPECT_THAT(why_no_fit(next, now),
              HasSubstr("llama with 9 parameters, those of now are llama with 7"));
}

}  // namespace
}  // namespace tandem
