using SkiaSharp;

namespace Glyphs.Sample;

/// <summary>Draws the letters A to Z in the fonts of the machine, each a little turned, slanted, stretched and moved.</summary>
internal static class FontGlyphs
{
    // More fonts than this would take their turns.
    private const int MostFonts = 48;

    /// <summary>The folders where systems keep fonts.</summary>
    public static IEnumerable<string> Folders => new[]
    {
        "/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts/Supplemental",
        Environment.GetFolderPath(Environment.SpecialFolder.Fonts), Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".fonts"),
    }.Where(f => f.Length > 0);

    /// <summary>Fonts that have all letters, in the order of their names.</summary>
    /// <exception cref="UsageException">There are none.</exception>
    public static IReadOnlyList<SKTypeface> Find(string? folder)
    {
        var places = folder is null ? Folders.Where(Directory.Exists).ToArray() : [folder];
        if (folder is not null && !Directory.Exists(folder))
        {
            throw new UsageException($"There is no folder {folder}.");
        }

        var files = places.SelectMany(p => Directory.EnumerateFiles(p, "*", SearchOption.AllDirectories))
            .Where(f => Path.GetExtension(f).ToUpperInvariant() is ".TTF" or ".OTF").Order(StringComparer.Ordinal).ToArray();
        var fonts = files.Select(f => SKTypeface.FromFile(f)).Where(f => f is not null && Enumerable.Range('A', LetterModel.Classes).All(c => f.GetGlyph(c) != 0)).ToArray();
        if (fonts.Length == 0)
        {
            throw new UsageException($"There are no fonts (.ttf, .otf) with the letters A to Z in {string.Join(", ", folder is null ? Folders : places)}. "
                + "On Debian and Ubuntu, `apt-get install fonts-dejavu-extra` brings some; --fonts names another folder, and --data takes images instead.");
        }

        return fonts.Length <= MostFonts ? fonts : [.. Enumerable.Range(0, MostFonts).Select(i => fonts[i * fonts.Length / MostFonts])];
    }

    /// <summary>Images of every letter in turn.</summary>
    public static ImageSet Draw(IReadOnlyList<SKTypeface> fonts, int count, int seed)
    {
        var random = new Random(seed);
        var pixels = new float[count * ImageSet.Length];
        var labels = new int[count];
        using var bitmap = new SKBitmap(new SKImageInfo(ImageSet.Size, ImageSet.Size, SKColorType.Gray8));
        using var canvas = new SKCanvas(bitmap);
        using var ink = new SKPaint { Color = SKColors.White, IsAntialias = true };
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % LetterModel.Classes;
            using var font = new SKFont(fonts[random.Next(fonts.Count)], 100);
            using var path = font.GetTextPath(((char)('A' + labels[i])).ToString(), new SKPoint(0, 0));
            Draw(canvas, path, ink, random);
            canvas.Flush();
            var bytes = bitmap.GetPixelSpan();
            for (var y = 0; y < ImageSet.Size; y++)
            {
                for (var x = 0; x < ImageSet.Size; x++)
                {
                    pixels[(i * ImageSet.Length) + (y * ImageSet.Size) + x] = (bytes[(y * bitmap.RowBytes) + x] / 127.5f) - 1;
                }
            }
        }

        return new(pixels, labels, [.. Enumerable.Range('A', LetterModel.Classes).Select(c => ((char)c).ToString())]);
    }

    private static void Draw(SKCanvas canvas, SKPath path, SKPaint ink, Random random)
    {
        float Between(double least, double most) => (float)(least + (random.NextDouble() * (most - least)));
        canvas.Clear(SKColors.Black);
        canvas.Save();
        var bounds = path.TightBounds;
        var scale = Math.Min(17 / bounds.Height, 20 / bounds.Width) * Between(0.9, 1.08);
        canvas.Translate((ImageSet.Size / 2f) + Between(-1, 1), (ImageSet.Size / 2f) + Between(-1, 1));
        canvas.RotateDegrees(Between(-6, 6));
        canvas.Skew(Between(-0.1, 0.1), 0);
        canvas.Scale(scale * Between(0.9, 1.05), scale);
        canvas.Translate(-bounds.MidX, -bounds.MidY);
        canvas.DrawPath(path, ink);
        canvas.Restore();
    }
}
