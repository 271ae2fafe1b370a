#pragma once

#include <string>

#include <capnp/dynamic.h>
#include <capnp/message.h>

#include "schema/message.hpp"

namespace tandem::testing {

/// Fills every field of a struct of any type with a value that is not its default: texts, lists of
/// two, the highest value of enums, and of a union the member numbered `member` (modulo what there
/// is).
class sampler {
 public:
  explicit sampler(unsigned member = 0) : member_{member} {}

  void fill(capnp::DynamicStruct::Builder out) {
    for (auto field : out.getSchema().getNonUnionFields()) fill(out, field);
    auto members = out.getSchema().getUnionFields();
    if (members.size() != 0) fill(out, members[member_ % members.size()]);
  }

 private:
  std::string text() { return "tëxt " + std::to_string(++count_); }

  void fill(capnp::DynamicStruct::Builder out, capnp::StructSchema::Field field) {
    auto type = field.getType();
    if (type.isStruct()) {
      fill(out.init(field).as<capnp::DynamicStruct>());
    } else if (type.isList()) {
      fill(out.init(field, 2).as<capnp::DynamicList>(), type.asList().getElementType());
    } else if (type.isData()) {
      auto bytes = text();
      out.set(field,
              capnp::Data::Reader{reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()});
    } else if (type.isText()) {
      out.set(field, capnp::Text::Reader{text().c_str()});
    } else if (type.isEnum()) {
      auto known = type.asEnum().getEnumerants();
      out.set(field, capnp::DynamicEnum{known[known.size() - 1]});
    } else if (type.isBool()) {
      out.set(field, true);
    } else {
      out.set(field, 1 + ++count_ % 100);
    }
  }

  void fill(capnp::DynamicList::Builder out, capnp::Type type) {
    for (unsigned i = 0; i < out.size(); ++i) {
      if (type.isStruct())
        fill(out[i].as<capnp::DynamicStruct>());
      else if (type.isText())
        out.set(i, capnp::Text::Reader{text().c_str()});
      else if (type.isEnum())
        out.set(i, capnp::DynamicEnum{type.asEnum().getEnumerants()[1]});
      else
        out.set(i, ++count_ % 100);
    }
  }

  unsigned member_;
  unsigned count_ = 0;
};

template <class T>
message<T> sample(unsigned member = 0) {
  message_builder<T> builder;
  sampler{member}.fill(capnp::toDynamic(*builder));
  return builder.finish();
}

}  // namespace tandem::testing
