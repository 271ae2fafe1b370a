#include "actors/cache/cache_key.hpp"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

cache_key key_of_texts(std::string_view a, std::string_view b) {
  cache_key_builder builder;
  return builder.add(1, a).add(2, b).finish();
}

TEST(CacheKey, IsTheSameForTheSameFieldsAndOneBuilderMakesMany) {
  cache_key_builder builder;
  const auto first = builder.add(1, "tenant").add(2, std::uint64_t{7}).finish();
  const auto second = builder.add(1, "tenant").add(2, std::uint64_t{7}).finish();
  EXPECT_EQ(first, second);
  EXPECT_NE(first, builder.finish()) << "what was added belongs to one key";
}

TEST(CacheKey, BytesThatMoveBetweenFieldsChangeIt) {
  const std::string all = "the tenant and the text";
  std::set<cache_key> keys;
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    keys.insert(key_of_texts(all.substr(0, cut), all.substr(cut)));
  EXPECT_EQ(keys.size(), all.size() + 1);
}

TEST(CacheKey, ATextThatLooksLikeAnotherFieldIsNone) {
  cache_key_builder builder;
  const auto two = builder.add(1, "a").add(2, "b").finish();
  // What the builder writes for the second field, as a tenant could write it into the first.
  std::string forged("a\1\2\1\0\0\0\0\0\0\0b", 12);
  EXPECT_NE(two, builder.add(1, forged).finish());
  EXPECT_NE(two, builder.add(1, "a").add(2, "b").add(3, "").finish());
  EXPECT_NE(two, builder.add(2, "a").add(1, "b").finish());
  EXPECT_NE(two, builder.add(2, "b").add(1, "a").finish());
  EXPECT_NE(builder.add(1, std::string_view("\7\0\0\0\0\0\0\0", 8)).finish(),
            builder.add(1, std::uint64_t{7}).finish());
}

TEST(CacheKey, IsTheSha256OfItsFields) {
  cache_key_builder builder;
  // printf '\1\1\3\0\0\0\0\0\0\0abc\2\2\5\0\0\0\0\0\0\0' | sha256sum
  EXPECT_EQ(to_string(builder.add(1, "abc").add(2, std::uint64_t{5}).finish()),
            "5179eb7842dff507c38a72719251219517dccd3e7f7b3f716a6630a120e4c921");
}

TEST(CacheKey, DoesNotDependOnHowLongFieldsAreGathered) {
  std::set<cache_key> keys;
  cache_key_builder builder;
  for (std::size_t size = 0; size < 1200; ++size) {
    const std::string text(size, 'x');
    const auto key = builder.add(1, text).add(2, text).finish();
    cache_key_builder fresh;
    EXPECT_EQ(key, fresh.add(1, text).add(2, text).finish());
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 1200u);
}

TEST(CacheKey, TakesAPromptOfTenMegabytes) {
  std::string prompt(10'000'000, 'p');
  const auto key = key_of_texts("tenant", prompt);
  prompt[9'999'999] = 'q';
  EXPECT_NE(key, key_of_texts("tenant", prompt));
}

}  // namespace
}  // namespace tandem
