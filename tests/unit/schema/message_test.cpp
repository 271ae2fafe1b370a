#include "schema/message.hpp"

#include <gtest/gtest.h>

#include "schema/job.capnp.h"
#include "schema/journal.capnp.h"
#include "schema/topology.capnp.h"
#include "tests/unit/schema/message_walk.hpp"
#include "tests/unit/schema/sample.hpp"

namespace tandem::testing {
namespace {

TEST(message, IsReadAsItWasBuilt) {
  message_builder<schema::Submit> builder;
  builder->setTenant("t");
  builder->initTags(1).set(0, "x");
  auto made = builder.finish();
  EXPECT_EQ(made.read()->getTenant(), "t");
  auto parsed = message<schema::Submit>::parse(made.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->read()->getTags()[0], "x");
  EXPECT_EQ(parsed->bytes().size(), made.bytes().size());
}

TEST(message, CopiesShareTheirWords) {
  auto made = sample<schema::Submit>();
  auto copy = made;
  EXPECT_EQ(copy.bytes().data(), made.bytes().data());
  auto parsed = message<schema::Submit>::parse(made.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_NE(parsed->bytes().data(), made.bytes().data()) << "bytes from outside are copied";
}

TEST(message, CanBeReadAnyNumberOfTimes) {
  auto made = sample<schema::Topology>();
  auto first = walk(made);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(walk(made), first);
}

TEST(message, LargerThanTheScratchSpaceIsFlattenedToo) {
  message_builder<schema::Submit> builder;
  builder->initMessages(1)[0].setContent(std::string(100'000, 'x'));
  auto made = builder.finish();
  auto parsed = message<schema::Submit>::parse(made.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->read()->getMessages()[0].getContent().size(), 100'000u);
}

TEST(message, IsOneSegmentHoweverManyItWasBuiltIn) {
  message_builder<schema::Submit> builder;
  builder->setTenant("t");
  auto messages = builder->initMessages(40);
  for (unsigned i = 0; i < messages.size(); ++i)
    messages[i].setContent(std::string(100 * i, static_cast<char>('a' + i % 26)));
  builder->initTags(2).set(1, "late");
  auto made = builder.finish();
  auto more_segments = made.bytes().first(4);
  for (auto byte : more_segments) EXPECT_EQ(byte, std::byte{0});
  auto parsed = message<schema::Submit>::parse(made.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(walk(*parsed), walk(made));
  EXPECT_EQ(made.read()->getTenant(), "t");
  EXPECT_EQ(made.read()->getTags()[1], "late");
  for (unsigned i = 0; i < messages.size(); ++i)
    EXPECT_EQ(made.read()->getMessages()[i].getContent().size(), 100u * i);
}

TEST(message, BuildersStartFromACopy) {
  auto made = sample<schema::Submit>();
  message_builder<schema::Submit> builder;
  builder.copy(*made.read());
  builder->setTenant("other");
  auto changed = builder.finish();
  EXPECT_EQ(changed.read()->getTenant(), "other");
  EXPECT_EQ(changed.read()->getMessages().size(), 2u);
  EXPECT_NE(made.read()->getTenant(), "other");
}

TEST(message, RecordsMayBeLargerThanMessages) {
  message_builder<schema::JobRecord> builder;
  builder->initStepDone().setResult(std::string(2u << 20, 'x'));
  auto made = builder.finish();
  EXPECT_FALSE(message<schema::JobRecord>::parse(made.bytes()));
  EXPECT_TRUE(message<schema::JobRecord>::parse(made.bytes(), record_limits));
}

TEST(message, EverySampleIsSound) {
  for (unsigned member = 0; member < 9; ++member) {
    auto record = sample<schema::JobRecord>(member);
    EXPECT_TRUE(message<schema::JobRecord>::parse(record.bytes()));
  }
}

}  // namespace
}  // namespace tandem::testing
