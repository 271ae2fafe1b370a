#include "actors/replication/journal_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

using testing::HasSubstr;

journal_record sample() {
  return {.epoch = 7,
          .primary = journal_holder{{"alpha", 0xffffffffffffffffull}, 42, "10.0.0.1:7420"},
          .in_sync = {{"alpha", 0xffffffffffffffffull}, {"beta", 2}},
          .copies = 3,
          .min_in_sync = 2};
}

TEST(journal_record, IsReadAsItWasWritten) {
  auto record = sample();
  auto read = parse_journal_record(to_text(record));
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(*read, record);
  record.primary.reset();
  read = parse_journal_record(to_text(record));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, record);
}

TEST(journal_record, HasATextThatOlderNodesHaveWritten) {
  EXPECT_EQ(to_text(sample()),
            R"({"format":1,"epoch":7,"primary":{"node":"alpha","replica":18446744073709551615,)"
            R"("incarnation":42,"address":"10.0.0.1:7420"},"in_sync":[{"node":"alpha",)"
            R"("replica":18446744073709551615},{"node":"beta","replica":2}],"copies":3,)"
            R"("min_in_sync":2})");
}

TEST(journal_record, RefusesWhatIsNoRecord) {
  auto problem = [](std::string text) {
    auto read = parse_journal_record(text);
    return read ? std::string{"read"} : message_of(read.error());
  };
  auto with = [](std::string_view from, std::string_view to) {
    auto text = to_text(sample());
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_THAT(problem(""), HasSubstr("no JSON"));
  EXPECT_THAT(problem("[]"), HasSubstr("no format"));
  EXPECT_THAT(problem(with("\"format\":1", "\"format\":2")), HasSubstr("update this node"));
  EXPECT_THAT(problem(with("\"epoch\":7", "\"epoch\":0")), HasSubstr("epoch is 0"));
  EXPECT_THAT(problem(with("\"epoch\":7", "\"epoch\":-7")), HasSubstr("field"));
  EXPECT_THAT(problem(with("\"copies\":3", "\"copies\":1")), HasSubstr("min_in_sync"));
  EXPECT_THAT(problem(with("\"copies\":3", "\"copies\":4294967297")), HasSubstr("field"));
  EXPECT_THAT(problem(with("beta", "alpha")), HasSubstr("twice"));
  EXPECT_THAT(problem(with("{\"node\":\"alpha\"", "{\"node\":\"gamma\"")),
              HasSubstr("not in sync"));
  EXPECT_THAT(problem(std::string(journal_record_bytes_max + 1, ' ')), HasSubstr("larger"));
}

TEST(journal_record, HasKeysOfItsCluster) {
  EXPECT_EQ(journal_key("home", journal_id{5}),
            "/tandem/home/journals/" + to_string(journal_id{5}));
  EXPECT_TRUE(journal_lease_key("home", journal_id{5}).ends_with("/lease"));
  auto holder = *sample().primary;
  EXPECT_TRUE(is_lease_of(lease_text(holder, 3), holder.copy));
  EXPECT_FALSE(is_lease_of(lease_text(holder, 3), {"alpha", 1}));
  EXPECT_FALSE(is_lease_of("", holder.copy));
}

}  // namespace
}  // namespace tandem
