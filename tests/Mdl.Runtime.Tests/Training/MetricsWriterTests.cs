using System.Text.Json;
using Mdl.Runtime.Tests.Support;
using Mdl.Runtime.Training;

namespace Mdl.Runtime.Tests.Training;

public sealed class MetricsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_hold_the_step_and_survive_a_resume_up_to_its_step()
    {
        using var model = BigramModel.Create(1);
        var path = _folder.File("out/metrics.jsonl");
        Write(0, [1, 2, 3]);
        File.AppendAllText(path, "{\"step\":4,\"lo");
        Write(2, [3, 4]);
        var lines = File.ReadAllLines(path);
        Assert.Equal(4, lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            using var line = JsonDocument.Parse(lines[i]);
            Assert.Equal(i + 1, line.RootElement.GetProperty("step").GetInt64());
            Assert.Equal(1.5f, line.RootElement.GetProperty("loss").GetSingle());
            Assert.Equal(i == 2, line.RootElement.TryGetProperty("held_out", out _));
            Assert.Equal("[[2,3,4,5],[6,7,8,9]]", line.RootElement.GetProperty("loads").GetProperty("moe").GetRawText());
        }

        Write(0, [1]);
        Assert.Single(File.ReadAllLines(path));

        void Write(long after, long[] steps)
        {
            using var writer = new MetricsWriter(path, model.Info, after);
            foreach (var step in steps)
            {
                var result = new StepResult(step, new Losses(1.5, 1.25, 2, 0.5), 0.75, 1e-3);
                writer.Write(result, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 1234.56, step == 3 ? 2.5 : null);
                // Flushed: readable while the writer is open.
                using var reader = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                Assert.Equal('\n', (char)ReadLast(reader));
            }
        }

        static int ReadLast(FileStream stream)
        {
            stream.Seek(-1, SeekOrigin.End);
            return stream.ReadByte();
        }
    }

    [Fact]
    public void Writing_allocates_nothing_after_the_first_lines()
    {
        using var model = BigramModel.Create(1);
        using var writer = new MetricsWriter(_folder.File("metrics.jsonl"), model.Info, 0);
        var metrics = new float[10];
        var result = new StepResult(1, new Losses(1.5, 1.25, 2, 0.5), 0.75, 1e-3);
        writer.Write(result, metrics, 1, 2);
        var before = GC.GetAllocatedBytesForCurrentThread();
        writer.Write(result, metrics, 1, 2);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
