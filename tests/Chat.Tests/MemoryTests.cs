using System.Globalization;
using System.Text.RegularExpressions;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Chat.Tests;

/// <summary>The figures of memory that are known before anything is allocated.</summary>
public sealed partial class MemoryTests : IDisposable
{
    private const double Gibibyte = 1L << 30;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-memory-");

    [Theory]
    [InlineData(WeightFormat.Int8, 16.9)]
    [InlineData(WeightFormat.Int4, 9.0)]
    public void Ling_mini_answers_within_24_GiB(WeightFormat format, double weights)
    {
        var bytes = WeightStore.BytesOf(LingMini.ModelInfo, format);
        Assert.InRange(bytes / Gibibyte, weights - 0.1, weights + 0.1);

        // Sixteen texts of 8192 tokens, and prompts in parts of 512.
        var rest = LingMini.InferenceBytes(16, SessionPool.RowsOf(16, 512), 8192, CacheFormat.BFloat16);
        Assert.InRange((bytes + rest) / Gibibyte, weights + 4, 23);
    }

    [Theory]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    [InlineData(WeightFormat.Float8)]
    public void The_figure_of_weights_is_what_a_file_of_them_holds(WeightFormat format)
    {
        using var model = LingTiny.Create(seed: 1, weights: format);
        var path = Path.Combine(_folder.FullName, "held.safetensors");
        model.Save(path);
        using var reader = new BinaryReader(File.OpenRead(path));
        var data = reader.BaseStream.Length - 8 - reader.ReadInt64();

        // In memory each parameter, and its scales, begin with a line.
        Assert.Equal(WeightStore.BytesOf(LingTiny.ModelInfo, format), model.WeightBytes);
        Assert.InRange(model.WeightBytes - data, 0, 2 * 64 * LingTiny.ModelInfo.Parameters.Count);
    }

    [Fact]
    public void The_process_takes_what_the_figures_say()
    {
        var folder = Path.Combine(_folder.FullName, "nano");
        using (var model = LingNano.Create(seed: 1))
        {
            model.SaveFolder(folder, new() { Type = TensorType.BFloat16 });
        }

        var (single, all) = Figures("f32");
        var (quarter, less) = Figures("int8");
        Assert.InRange(single - quarter, 35, 60);

        // What the two processes take besides, the runtime's code and heap and the pages of the folder, differs by less than this.
        Assert.Equal(single - quarter, all - less, 12.0);

        (double Weights, double Process) Figures(string format)
        {
            var (exitCode, _, error) = ChatProcess.Run("", "--model", folder, "--weights", format, "--prompt", "hello", "--max-tokens", "3", "--threads", "1", "--context", "64");
            Assert.Equal(0, exitCode);
            var match = MebibytesOf().Match(error);
            return (Number(match.Groups[1].Value), Number(match.Groups[2].Value));
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"weights ([\d.]+) MiB.*process ([\d.]+) MiB")]
    private static partial Regex MebibytesOf();
}
