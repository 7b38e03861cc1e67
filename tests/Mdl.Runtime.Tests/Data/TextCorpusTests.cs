using System.Text;
using Mdl.Runtime.Data;
using Mdl.Runtime.RandomNumbers;
using Mdl.Runtime.Tests.Support;

namespace Mdl.Runtime.Tests.Data;

public sealed class TextCorpusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Holds_out_the_last_twentieth_of_each_document_at_a_line_end()
    {
        var a = string.Concat(Enumerable.Range(0, 200).Select(i => $"line {i:000}\n"));
        var b = new string('b', 1000);
        _folder.Write("2/b.txt", Encoding.ASCII.GetBytes(b));
        _folder.Write("1/a.txt", Encoding.ASCII.GetBytes(a));
        _folder.Write("1/image", [1, 0, 2]);
        _folder.Write(".hidden", "hidden"u8);
        var corpus = TextCorpus.Load(_folder.Root);
        Assert.Equal(2, corpus.Documents);
        Assert.Equal(a[..(190 * 9)] + b[..950], Encoding.ASCII.GetString(corpus.Training));
        Assert.Equal(a[(190 * 9)..] + b[950..], Encoding.ASCII.GetString(corpus.HeldOut));
        Assert.Equal(corpus.Fingerprint, TextCorpus.Load(_folder.Root).Fingerprint);
        Assert.NotEqual(corpus.Fingerprint, TextCorpus.Load(_folder.Root, 1500).Fingerprint);
        Assert.Equal(1500, TextCorpus.Load(_folder.Root, 1500).Training.Length + TextCorpus.Load(_folder.Root, 1500).HeldOut.Length);
    }

    [Fact]
    public void Normalises_line_ends_and_drops_the_byte_order_mark()
    {
        var corpus = TextCorpus.Load(_folder.Write("dos.txt", [0xEF, 0xBB, 0xBF, .. "a\r\nb\rc"u8]));
        Assert.Equal("a\nb\rc", Encoding.ASCII.GetString([.. corpus.Training, .. corpus.HeldOut]));
    }

    [Fact]
    public void Training_batches_depend_on_seed_and_step_only()
    {
        var corpus = Corpus(5000);
        var tokens = new int[4 * 10];
        corpus.FillTrainingBatch(1, 7, 10, tokens);
        var again = new int[4 * 10];
        corpus.FillTrainingBatch(1, 7, 10, again);
        Assert.Equal(tokens, again);
        corpus.FillTrainingBatch(1, 8, 10, again);
        Assert.NotEqual(tokens, again);
        corpus.FillTrainingBatch(2, 7, 10, again);
        Assert.NotEqual(tokens, again);
        for (var row = 0; row < 4; row++)
        {
            var bytes = tokens.Skip(row * 10).Take(10).Select(t => (byte)t).ToArray();
            Assert.True(corpus.Training.IndexOf(bytes) >= 0);
        }
    }

    [Fact]
    public void Training_batches_reach_both_ends()
    {
        var corpus = TextCorpus.FromText("x", Enumerable.Range(1, 100).Select(i => (byte)i).ToArray());
        var starts = new HashSet<int>();
        var tokens = new int[5];
        for (var step = 0; step < 2000; step++)
        {
            corpus.FillTrainingBatch(1, step, 5, tokens);
            starts.Add(tokens[0]);
        }

        Assert.Equal(Enumerable.Range(1, 91), starts.Order());
    }

    [Fact]
    public void Held_out_batches_spread_over_the_whole_part()
    {
        var corpus = Corpus(2000);
        var heldOut = corpus.HeldOut.ToArray().Select(b => (int)b).ToArray();
        var first = new int[2 * 10];
        corpus.FillHeldOutBatch(0, 3, 10, first);
        var last = new int[2 * 10];
        corpus.FillHeldOutBatch(2, 3, 10, last);
        Assert.Equal(heldOut[..10], first[..10]);
        Assert.Equal(heldOut[^10..], last[10..]);
    }

    [Fact]
    public void Refuses_what_is_no_text_with_one_line()
    {
        AssertRefused(_folder.File("missing"), "there is no such file or folder");
        AssertRefused(_folder.Write("empty.txt", []), "is empty");
        AssertRefused(_folder.Write("nul.bin", "ab\0cd"u8), "is not text: it contains NUL bytes");
        var random = new byte[4096];
        for (var i = 0; i < random.Length; i++)
        {
            random[i] = (byte)(1 + new Philox(1, 1).Below((ulong)i, 255));
        }

        AssertRefused(_folder.Write("random.bin", random), "% of its bytes are not valid UTF-8");
        _folder.Write("folder/only.bin", [0]);
        AssertRefused(_folder.File("folder"), "there is no text file");
        // Latin-1 prose is not UTF-8, but close enough to learn from.
        Assert.Equal(1, TextCorpus.Load(_folder.Write("latin1.txt", Encoding.Latin1.GetBytes("Die Gänse gehen über die große Straße nach Hause."))).Documents);
    }

    [Fact]
    public void Refuses_sequences_longer_than_a_part()
    {
        var corpus = Corpus(2000);
        corpus.RequireWidth(corpus.HeldOut.Length);
        var exception = Assert.Throws<TextCorpusException>(() => corpus.RequireWidth(corpus.HeldOut.Length + 1));
        Assert.StartsWith("corpus: is too small: 2000 bytes, split into", exception.Message);
        Assert.Throws<TextCorpusException>(() => corpus.FillTrainingBatch(1, 1, 1990, new int[1990]));
    }

    [Fact]
    public void Sdk_documentation_is_plain_text()
    {
        // The tests run from an SDK, which has its documentation.
        var corpus = TextCorpus.LoadSdkDocumentation(4_000_000);
        Assert.InRange(corpus.Training.Length, 1_000_000, 3_900_000);
        var text = Encoding.UTF8.GetString(corpus.Training);
        Assert.DoesNotContain("<summary>", text);
        Assert.DoesNotContain("cref=", text);
        Assert.Contains("Initializes a new instance of the", text);
        Assert.Equal(corpus.Fingerprint, TextCorpus.LoadSdkDocumentation(4_000_000).Fingerprint);
    }

    private static TextCorpus Corpus(int size)
    {
        var text = new byte[size];
        for (var i = 0; i < size; i++)
        {
            text[i] = (byte)('a' + new Philox(9, 9).Below((ulong)i, 26));
        }

        return TextCorpus.FromText("corpus", text);
    }

    private void AssertRefused(string path, string expected)
    {
        var message = Assert.Throws<TextCorpusException>(() => TextCorpus.Load(path)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain('\n', message);
    }
}
