using SkiaSharp;

namespace Mdl.Sample.Tests;

/// <summary>The sample that draws letters, on images of bars: how well it draws is not looked at here.</summary>
public sealed class GlyphsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mdl-glyphs-").FullName;

    [Fact]
    public void Images_of_a_folder_are_learnt_and_pictures_written()
    {
        for (var i = 0; i < 24; i++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder, "images", i % 2 == 0 ? "across" : "up")).FullName;
            using var bitmap = new SKBitmap(40, 30);
            using (var canvas = new SKCanvas(bitmap))
            {
                canvas.Clear(SKColors.White);
                using var ink = new SKPaint { Color = SKColors.Black };
                canvas.DrawRect(i % 2 == 0 ? new SKRect(2, 10 + (i / 4), 38, 16 + (i / 4)) : new SKRect(14 + (i / 4), 2, 20 + (i / 4), 28), ink);
            }

            using var file = File.Create(Path.Combine(folder, $"{i}.png"));
            bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
        }

        var output = Path.Combine(_folder, "out");
        var (exit, told, error) = SampleProcess.RunProgram("Glyphs", "--data", Path.Combine(_folder, "images"), "--steps", "2", "--batch", "8", "--rows", "1", "--out", output);
        Assert.True(exit == 0, error);
        Assert.Contains("24 images", told, StringComparison.Ordinal);
        Assert.Contains("2 classes", told, StringComparison.Ordinal);
        Assert.Contains("step 2/2", told, StringComparison.Ordinal);
        foreach (var name in new[] { "data", "samples-heun", "samples-dpm2m", "samples-ancestral", "trajectory", "nearest" })
        {
            using var picture = SKBitmap.Decode(Path.Combine(output, name + ".png"));
            Assert.InRange(picture.Width, 100, 3000);
            Assert.Contains($"({name}.png)", File.ReadAllText(Path.Combine(output, "report.md")), StringComparison.Ordinal);
        }

        // The weights that it wrote are read again.
        var weights = Path.Combine(output, "glyphs.safetensors");
        Assert.Equal(0, SampleProcess.RunProgram("Glyphs", "--data", Path.Combine(_folder, "images"), "--steps", "0", "--rows", "1", "--model", weights, "--out", output).ExitCode);
    }

    [Theory]
    [InlineData("--fonts {root}", "There are no fonts (.ttf, .otf) with the letters A to Z in")]
    [InlineData("--fonts {root}/nowhere", "There is no folder")]
    [InlineData("--data {root}", "has 0 images")]
    [InlineData("--steps -1", "--steps must be at least 0")]
    [InlineData("--data {root} --model {root}/nothing.safetensors", "has 0 images")]
    public void What_is_wrong_is_told(string arguments, string message)
    {
        var (exit, _, error) = SampleProcess.RunProgram("Glyphs", [.. arguments.Split(' ').Select(a => a.Replace("{root}", _folder, StringComparison.Ordinal)), "--out", _folder]);
        Assert.NotEqual(0, exit);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
