// SPDX-License-Identifier: Apache-2.0

extension FeastRegistry {
  /// The registry file: a message `feast.core.Registry`.
  ///
  /// Creation and change times are left out, and the identity of the version is the hash of the
  /// rest, so equal registries have equal bytes.
  ///
  /// > Source: feast 0.67.0, `protos/feast/core/Registry.proto` and the files that it imports.
  public var bytes: [UInt8] {
    let version = DefinitionHash.sha256(serialized(version: ""))
    return serialized(version: String(version.prefix(32)))
  }

  private func serialized(version: String) -> [UInt8] {
    var registry = ProtobufWriter()
    for entity in entities { registry.write(message: { entity.write(project, &$0) }, as: 1) }
    registry.write("1", as: 3)
    registry.write(version, as: 4)
    for view in views { registry.write(message: { view.write(project, &$0) }, as: 6) }
    for service in services { registry.write(message: { service.write(project, &$0) }, as: 7) }
    for view in views {
      guard let source = view.source else { continue }
      registry.write(message: { source.write(project, of: view, &$0) }, as: 12)
      guard view.takesRows else { continue }
      registry.write(message: { source.writePush(project, of: view, &$0) }, as: 12)
    }
    for source in requestSources {
      registry.write(message: { source.write(project, &$0) }, as: 12)
    }
    registry.write(
      message: { projectMessage in
        projectMessage.write(message: { $0.write(project, as: 1) }, as: 1)
        projectMessage.write(message: { _ in }, as: 2)
      },
      as: 17
    )
    return registry.bytes
  }
}

extension FeastRegistry.Entity {
  fileprivate func write(_ project: String, _ message: inout ProtobufWriter) {
    message.write(
      message: { spec in
        spec.write(name, as: 1)
        spec.write(type.number, as: 2)
        spec.write(description, as: 3)
        spec.write(joinKey, as: 4)
        spec.write(tags, as: 8)
        spec.write(project, as: 9)
        spec.write(owner, as: 10)
      },
      as: 1
    )
    message.write(message: { _ in }, as: 2)
  }
}

extension FeastRegistry.Field {
  fileprivate func write(_ message: inout ProtobufWriter) {
    message.write(name, as: 1)
    message.write(type.number, as: 2)
    // Feast keeps what a list of lists is made of in a tag.
    if let nested = type.nested { message.write(["feast:nested_inner_type": nested], as: 3) }
    message.write(description, as: 4)
  }
}

extension FeastRegistry.Source {
  /// The numbers of `DataSource.SourceType`.
  private enum Kind {
    static let file: Int64 = 1
    static let push: Int64 = 9
  }

  fileprivate func write(
    _ project: String,
    of view: FeastRegistry.View,
    _ message: inout ProtobufWriter
  ) {
    message.write(Kind.file, as: 1)
    message.write(time, as: 3)
    message.write(knowledge ?? "", as: 5)
    message.write(
      message: { options in
        options.write(message: { format in format.write(message: { _ in }, as: 1) }, as: 1)
        options.write(path, as: 2)
      },
      as: 11
    )
    message.write("feast.infra.offline_stores.file_source.FileSource", as: 17)
    message.write(name, as: 20)
    message.write(project, as: 21)
    message.write("The rows are in Millrace; Feast reads none of them.", as: 23)
    message.write(view.owner, as: 25)
  }

  /// A source of the view's own name, to which rows of it can be pushed.
  fileprivate func writePush(
    _ project: String,
    of view: FeastRegistry.View,
    _ message: inout ProtobufWriter
  ) {
    message.write(Kind.push, as: 1)
    message.write(time, as: 3)
    message.write(knowledge ?? "", as: 5)
    message.write("feast.data_source.PushSource", as: 17)
    message.write(view.name, as: 20)
    message.write(project, as: 21)
    message.write(message: { _ in }, as: 22)
    message.write(view.owner, as: 25)
    message.write(message: { write(project, of: view, &$0) }, as: 26)
  }
}

extension FeastRegistry.RequestSource {
  fileprivate func write(_ project: String, _ message: inout ProtobufWriter) {
    message.write(7, as: 1)
    message.write("feast.data_source.RequestSource", as: 17)
    message.write(
      message: { options in
        for field in fields { options.write(message: { field.write(&$0) }, as: 3) }
      },
      as: 18
    )
    message.write(name, as: 20)
    message.write(project, as: 21)
  }
}

extension FeastRegistry.View {
  fileprivate func write(_ project: String, _ message: inout ProtobufWriter) {
    message.write(
      message: { spec in
        spec.write(name, as: 1)
        spec.write(project, as: 2)
        // A name is written even if it is empty, but none is.
        for entity in entities { spec.write(entity, as: 3) }
        for feature in features { spec.write(message: { feature.write(&$0) }, as: 4) }
        spec.write(tags, as: 5)
        if let ttl {
          let parts = ttl.components
          spec.write(
            message: { duration in
              duration.write(parts.seconds, as: 1)
              duration.write(parts.attoseconds / 1_000_000_000, as: 2)
            },
            as: 6
          )
        }
        if let source {
          spec.write(message: { source.write(project, of: self, &$0) }, as: 7)
        }
        spec.write(isOnline, as: 8)
        if let source, takesRows {
          spec.write(message: { source.writePush(project, of: self, &$0) }, as: 9)
        }
        spec.write(description, as: 10)
        spec.write(owner, as: 11)
        for key in keys { spec.write(message: { key.write(&$0) }, as: 12) }
      },
      as: 1
    )
    message.write(message: { _ in }, as: 2)
  }
}

extension FeastRegistry.Service {
  fileprivate func write(_ project: String, _ message: inout ProtobufWriter) {
    message.write(
      message: { spec in
        spec.write(name, as: 1)
        spec.write(project, as: 2)
        for part in parts {
          spec.write(
            message: { projection in
              projection.write(part.view, as: 1)
              for feature in part.features {
                projection.write(message: { feature.write(&$0) }, as: 2)
              }
              projection.write("featureView", as: 11)
            },
            as: 3
          )
        }
        spec.write(tags, as: 4)
        spec.write(description, as: 5)
        spec.write(owner, as: 6)
      },
      as: 1
    )
    message.write(message: { _ in }, as: 2)
  }
}
