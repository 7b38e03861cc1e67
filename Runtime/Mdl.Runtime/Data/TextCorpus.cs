using System.Globalization;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Data;

/// <summary>
/// Text as bytes, which are the tokens, in a training part and a held-out part. The held-out part is the last twentieth of each document, cut at the end of
/// a line: one cut a document leaves least text that the two parts share a seam of, it works for a single small file too, and over many
/// documents the parts are alike in kind.
/// </summary>
public sealed class TextCorpus
{
    /// <summary>The default limit for the size of a text, in bytes.</summary>
    public const long DefaultLimit = 32 << 20;

    private const double TrainingShare = 0.95;
    private static readonly ulong BatchStream = StableHash.Of("batches");
    private readonly byte[] _text;
    private readonly int _trainingLength;

    private TextCorpus(string name, IReadOnlyList<ReadOnlyMemory<byte>> documents)
    {
        Name = name;
        var cuts = documents.Select(d => Cut(d.Span)).ToArray();
        _text = new byte[documents.Sum(d => d.Length)];
        for (var i = 0; i < cuts.Length; i++)
        {
            documents[i][..cuts[i]].CopyTo(_text.AsMemory(_trainingLength));
            _trainingLength += cuts[i];
        }

        var length = _trainingLength;
        for (var i = 0; i < cuts.Length; i++)
        {
            documents[i][cuts[i]..].CopyTo(_text.AsMemory(length));
            length += documents[i].Length - cuts[i];
        }

        Documents = documents.Count;
    }

    /// <summary>Where the text is from, for people.</summary>
    public string Name { get; }

    /// <summary>The number of documents.</summary>
    public int Documents { get; }

    /// <summary>The part to train on.</summary>
    public ReadOnlySpan<byte> Training => _text.AsSpan(0, _trainingLength);

    /// <summary>The part to evaluate on.</summary>
    public ReadOnlySpan<byte> HeldOut => _text.AsSpan(_trainingLength);

    /// <summary>A hash of the whole text, as 16 hexadecimal digits: tells whether a resumed run has the same data.</summary>
    public string Fingerprint => StableHash.Of(_text).ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads a text file, or all text files under a folder in ordinal order of their paths; hidden files, links and non-text files are left out.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="limit">The most bytes to take; what follows is left out.</param>
    /// <exception cref="TextCorpusException">It does not exist, is empty, or is not text.</exception>
    public static TextCorpus Load(string path, long limit = DefaultLimit)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        if (File.Exists(path))
        {
            var text = TextFile.Read(path, limit);
            return text.Length == 0 ? throw new TextCorpusException($"{path}: is empty.")
                : TextFile.Objection(text) is { } objection ? throw new TextCorpusException($"{path}: {objection}.")
                : new TextCorpus(path, [text]);
        }

        return Directory.Exists(path)
            ? new TextCorpus(path, LoadFolder(path, limit))
            : throw new TextCorpusException($"{path}: there is no such file or folder.");
    }

    /// <summary>Reads the API documentation of the installed .NET SDK, as plain text.</summary>
    /// <param name="limit">The most bytes to take.</param>
    /// <exception cref="TextCorpusException">No SDK is found.</exception>
    public static TextCorpus LoadSdkDocumentation(long limit = DefaultLimit) =>
        new(".NET API documentation", SdkDocumentation.Load(limit));

    /// <summary>Takes a text from memory.</summary>
    /// <exception cref="TextCorpusException">It is empty or not text.</exception>
    public static TextCorpus FromText(string name, ReadOnlyMemory<byte> text) =>
        text.Length == 0 ? throw new TextCorpusException($"{name}: is empty.")
        : TextFile.Objection(text.Span) is { } objection ? throw new TextCorpusException($"{name}: {objection}.")
        : new TextCorpus(name, [text]);

    /// <summary>Throws unless both parts hold a sequence of <paramref name="width"/> tokens.</summary>
    /// <exception cref="TextCorpusException">The text is too small; the message has the numbers.</exception>
    public void RequireWidth(int width)
    {
        if (Training.Length < width || HeldOut.Length < width)
        {
            throw new TextCorpusException(
                $"{Name}: is too small: {_text.Length} bytes, split into {Training.Length} for training and {HeldOut.Length} held out, "
                + $"but one sequence takes {width}; use more text or shorter sequences.");
        }
    }

    /// <summary>Draws sequences from the training part. They depend on seed and step only, so a resumed run needs no other state.</summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="step">The number of the step.</param>
    /// <param name="width">Tokens in a sequence.</param>
    /// <param name="tokens">[sequences, width].</param>
    public void FillTrainingBatch(ulong seed, long step, int width, Span<int> tokens)
    {
        var rows = Rows(width, tokens);
        var philox = new Philox(seed, BatchStream);
        for (var row = 0; row < rows; row++)
        {
            var start = philox.Below(((ulong)step * (ulong)rows) + (ulong)row, Training.Length - width + 1);
            Copy(Training.Slice((int)start, width), tokens.Slice(row * width, width));
        }
    }

    /// <summary>Takes sequences from the held-out part: <paramref name="batches"/> batches are spread evenly over it.</summary>
    /// <param name="batch">The number of the batch, from 0.</param>
    /// <param name="batches">How many batches there are.</param>
    /// <param name="width">Tokens in a sequence.</param>
    /// <param name="tokens">[sequences, width].</param>
    public void FillHeldOutBatch(int batch, int batches, int width, Span<int> tokens)
    {
        var rows = Rows(width, tokens);
        var last = HeldOut.Length - width;
        var sequences = Math.Max(1, ((long)batches * rows) - 1);
        for (var row = 0; row < rows; row++)
        {
            var start = (((long)batch * rows) + row) * last / sequences;
            Copy(HeldOut.Slice((int)start, width), tokens.Slice(row * width, width));
        }
    }

    private static List<ReadOnlyMemory<byte>> LoadFolder(string folder, long limit)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint };
        var documents = new List<ReadOnlyMemory<byte>>();
        foreach (var file in Directory.EnumerateFiles(folder, "*", options).Order(StringComparer.Ordinal))
        {
            var text = TextFile.Read(file, limit);
            if (text.Length > 0 && TextFile.Objection(text) is null)
            {
                documents.Add(text);
                limit -= text.Length;
            }

            if (limit <= 0)
            {
                break;
            }
        }

        return documents.Count > 0 ? documents : throw new TextCorpusException($"{folder}: there is no text file in this folder.");
    }

    private static int Cut(ReadOnlySpan<byte> document)
    {
        var cut = (int)(document.Length * TrainingShare);
        var line = cut == 0 ? -1 : document[(cut - 1)..].IndexOf((byte)'\n');
        // A file without line ends near is cut where it is.
        return line < 0 || line > document.Length / 100 ? cut : cut + line;
    }

    private static void Copy(ReadOnlySpan<byte> bytes, Span<int> tokens)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            tokens[i] = bytes[i];
        }
    }

    private int Rows(int width, Span<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        RequireWidth(width);
        return tokens.Length % width == 0 ? tokens.Length / width : throw new ArgumentException($"{tokens.Length} tokens are no multiple of the width {width}.");
    }
}
