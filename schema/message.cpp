#include "schema/message.hpp"

#include <array>
#include <cstring>
#include <string>

#include <capnp/any.h>
#include <capnp/dynamic.h>
#include <kj/exception.h>
#include <kj/io.h>
#include <simdjson.h>
#include <caf/binary_deserializer.hpp>

namespace tandem {
namespace {

caf::error malformed(std::string what) {
  return make_error(errc::malformed_message, std::move(what));
}

/// Visits every value of a message once, so that whatever Cap'n Proto checks only when a field is
/// read is checked here, at the boundary.
class checker {
 public:
  explicit checker(int nesting_max) : nesting_max_{nesting_max} {}

  caf::error visit(capnp::DynamicStruct::Reader value, int depth) {
    if (depth > nesting_max_) return malformed("message nested too deeply");
    for (auto field : value.getSchema().getNonUnionFields())
      if (auto err = visit(value, field, depth)) return err;
    if (value.getSchema().getUnionFields().size() == 0) return caf::none;
    KJ_IF_MAYBE (field, value.which()) {
      return visit(value, *field, depth);
    }
    return malformed("unknown member of a union in " + name_of(value));
  }

 private:
  static std::string name_of(capnp::DynamicStruct::Reader value) {
    return value.getSchema().getShortDisplayName().cStr();
  }

  caf::error visit(capnp::DynamicStruct::Reader value, capnp::StructSchema::Field field,
                   int depth) {
    if (!value.has(field)) return caf::none;
    if (auto err = visit(value.get(field), depth)) {
      return malformed(message_of(err) + " in " + name_of(value) + '.' +
                       field.getProto().getName().cStr());
    }
    return caf::none;
  }

  caf::error visit(capnp::DynamicValue::Reader value, int depth) {
    switch (value.getType()) {
      case capnp::DynamicValue::TEXT: {
        auto text = value.as<capnp::Text>();
        if (!simdjson::validate_utf8(text.begin(), text.size()))
          return malformed("text is not UTF-8");
        return caf::none;
      }
      case capnp::DynamicValue::ENUM:
        KJ_IF_MAYBE (known, value.as<capnp::DynamicEnum>().getEnumerant()) {
          static_cast<void>(known);
          return caf::none;
        }
        return malformed("enum value is out of range");
      case capnp::DynamicValue::LIST: {
        auto list = value.as<capnp::DynamicList>();
        for (auto element : list)
          if (auto err = visit(element, depth + 1)) return err;
        return caf::none;
      }
      case capnp::DynamicValue::STRUCT:
        return visit(value.as<capnp::DynamicStruct>(), depth + 1);
      default:
        return caf::none;
    }
  }

  int nesting_max_;
};

std::shared_ptr<capnp::word[]> allocate(std::size_t words) {
  return std::make_shared_for_overwrite<capnp::word[]>(words);
}

/// In front of the words of a message of one segment.
void write_table(capnp::word* to, std::size_t segment_words) {
  std::array<std::uint8_t, sizeof(capnp::word)> bytes{};
  for (std::size_t i = 0; i < 4; ++i)
    bytes[4 + i] = static_cast<std::uint8_t>(segment_words >> (8 * i));
  std::memcpy(static_cast<void*>(to), bytes.data(), bytes.size());
}

}  // namespace

message_words message_words::flatten(capnp::MessageBuilder& builder) {
  auto size = capnp::computeSerializedSizeInWords(builder);
  auto segments = builder.getSegmentsForOutput();
  if (segments.size() == 1) {
    auto words = allocate(size);
    write_table(words.get(), segments[0].size());
    std::memcpy(static_cast<void*>(words.get() + 1), segments[0].begin(),
                segments[0].size() * sizeof(capnp::word));
    return {std::move(words), size};
  }
  // Every reader of a message of several segments allocates a table of them, and a message is read
  // some ten times for each time that it is made. What points from one segment into another is not
  // needed in one, so that it is no longer.
  auto words = std::make_shared<capnp::word[]>(size);
  capnp::FlatMessageBuilder whole{kj::arrayPtr(words.get() + 1, size - 1)};
  whole.setRoot(builder.getRoot<capnp::AnyPointer>().asReader());
  auto used = whole.getSegmentsForOutput()[0].size();
  write_table(words.get(), used);
  return {std::move(words), used + 1};
}

caf::error message_words::check(capnp::StructSchema schema, const message_limits& limits) const {
  if (size_ > limits.words_max)
    return malformed("message of " + std::to_string(size_ * sizeof(capnp::word)) +
                     " bytes is above the limit of " +
                     std::to_string(limits.words_max * sizeof(capnp::word)));
  if (size_ == 0) return malformed("message is empty");
  caf::error result;
  // Not every part of Cap'n Proto reports by value: a bad pointer throws.
  auto thrown = kj::runCatchingExceptions([&] {
    // Each pointer of a well-made message is followed twice here, and text three times; overlapping
    // lists that blow a small message up run into this limit.
    capnp::ReaderOptions options{.traversalLimitInWords = 5 * std::uint64_t{size_} + 64,
                                 .nestingLimit = 2 * limits.nesting_max};
    capnp::FlatArrayMessageReader reader{words(), options};
    if (reader.getEnd() != words().end()) {
      result = malformed("message has bytes after its end");
      return;
    }
    // What a newer schema added is not known here, but is copied with the rest: it has to be sound
    // as well.
    if (reader.getRoot<capnp::AnyStruct>().totalSize().capCount != 0) {
      result = malformed("message has capabilities, which nobody here can give");
      return;
    }
    result = checker{limits.nesting_max}.visit(reader.getRoot<capnp::DynamicStruct>(schema), 0);
  });
  KJ_IF_MAYBE (exception, thrown) {
    return malformed(std::string{"message is malformed: "} + exception->getDescription().cStr());
  }
  return result;
}

caf::expected<message_words> message_words::parse(std::span<const std::byte> bytes,
                                                  capnp::StructSchema schema,
                                                  const message_limits& limits) {
  if (bytes.size() % sizeof(capnp::word) != 0)
    return malformed("message of " + std::to_string(bytes.size()) +
                     " bytes is not made of 8-byte words");
  auto size = bytes.size() / sizeof(capnp::word);
  if (size > limits.words_max)
    return malformed("message of " + std::to_string(bytes.size()) +
                     " bytes is above the limit of " +
                     std::to_string(limits.words_max * sizeof(capnp::word)));
  auto words = allocate(size);
  if (size != 0) std::memcpy(static_cast<void*>(words.get()), bytes.data(), bytes.size());
  message_words result{std::move(words), size};
  if (auto err = result.check(schema, limits)) return err;
  return result;
}

caf::error save_words(caf::serializer& sink, const message_words& words) {
  auto size = static_cast<std::uint32_t>(words.words().size());
  if (auto err = sink.apply(size)) return err;
  // The serializer's interface wants a mutable pointer but only reads from it.
  auto bytes = words.bytes();
  return sink.apply_raw(bytes.size(), const_cast<std::byte*>(bytes.data()));
}

caf::error load_words(caf::deserializer& source, capnp::StructSchema schema, message_words& words) {
  std::uint32_t size = 0;
  if (auto err = source.apply(size)) return err;
  message_limits limits;
  if (size > limits.words_max) return malformed("announced message size is above the limit");
  // A handler reads what it gets: nothing is not a message.
  if (size == 0) return malformed("message is empty");
  auto bytes = std::size_t{size} * sizeof(capnp::word);
  if (auto* flat = dynamic_cast<caf::binary_deserializer*>(&source);
      flat != nullptr && flat->remaining() < bytes)
    return malformed("announced message size is above what was sent");
  auto target = allocate(size);
  if (auto err = source.apply_raw(bytes, target.get())) return err;
  message_words loaded{std::move(target), size};
  if (auto err = loaded.check(schema, limits)) return err;
  words = std::move(loaded);
  return caf::none;
}

}  // namespace tandem
