// A stand-in for MongoDB on loopback, in memory: its wire protocol, with operations on single documents that are atomic.
// It has no replication, no transactions and no expiry of its own, and keeps nothing.
//   java -cp "JARS/*" Mongo.java PORT
// It says wire version 9, the least that the Go driver takes; the library itself says 8.
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.QueryParameters;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import java.util.ArrayList;
import java.util.List;

public class Mongo {
    record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {
        @Override public List<Integer> getVersionArray() { return getVersionArray; }
        @Override public int getWireVersion() { return getWireVersion; }
    }

    // The library answers a query with the stored documents themselves, and writes them to the network when an update may
    // be half way through one of them. MongoDB answers with a document as it was before or after; so does a copy that is
    // made under the lock that updates hold.
    static class Copying extends MemoryCollection {
        Copying(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
            super(database, name, options, cursors);
        }

        @Override public synchronized QueryResult handleQuery(QueryParameters parameters) {
            var found = super.handleQuery(parameters);
            List<Document> copies = new ArrayList<>();
            found.forEach(document -> copies.add(document.cloneDeeply()));
            return new QueryResult(copies, found.getCursorId());
        }
    }

    static class Backend extends MemoryBackend {
        @Override public MemoryDatabase openOrCreateDatabase(String name) {
            return new MemoryDatabase(name, getCursorRegistry()) {
                @Override protected MemoryCollection openOrCreateCollection(String collection, CollectionOptions options) {
                    return new Copying(this, collection, options, cursorRegistry);
                }
            };
        }
    }

    public static void main(String[] args) throws Exception {
        var backend = new Backend();
        backend.version(new Version(List.of(4, 4, 0), 9));
        new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(args[0]));
        Thread.currentThread().join();
    }
}
