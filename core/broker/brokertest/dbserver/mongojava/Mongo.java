// A stand-in for MongoDB on loopback, in memory: its wire protocol, with operations on single documents that are atomic.
// It has no replication, no transactions and no expiry of its own, and keeps nothing.
//   java -cp "JARS/*" Mongo.java PORT
// It says wire version 9, the least that the Go driver takes; the library itself says 8.
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

public class Mongo {
    record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {
        @Override public List<Integer> getVersionArray() { return getVersionArray; }
        @Override public int getWireVersion() { return getWireVersion; }
    }

    public static void main(String[] args) throws Exception {
        var backend = new MemoryBackend();
        backend.version(new Version(List.of(4, 4, 0), 9));
        new MongoServer(backend).bind("127.0.0.1", Integer.parseInt(args[0]));
        Thread.currentThread().join();
    }
}
