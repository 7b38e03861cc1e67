using SkiaSharp;

namespace Glyphs.Sample;

/// <summary>Images of a folder: dark on light, made grey and small. Folders in it are classes.</summary>
internal static class FolderImages
{
    /// <exception cref="UsageException">There are no images, or too many classes.</exception>
    public static ImageSet Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UsageException($"There is no folder {folder}.");
        }

        var classes = Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal).ToArray();
        if (classes.Length > LetterModel.Classes)
        {
            throw new UsageException($"{folder} has {classes.Length} folders; each is a class, and glyphs.mdl has {LetterModel.Classes}.");
        }

        var files = classes.SelectMany((c, label) => Files(c).Select(f => (File: f, Label: label))).Concat(Files(folder).Select(f => (File: f, Label: LetterModel.Classes))).ToArray();
        var images = files.Select(f => ReadImage(f.File)).ToArray();
        if (images.Length < 2)
        {
            throw new UsageException($"{folder} has {images.Length} images (.png, .jpg, .webp, .bmp); a model needs at least two, better thousands.");
        }

        return new([.. images.SelectMany(i => i)], [.. files.Select(f => f.Label)], [.. classes.Select(c => Path.GetFileName(c))]);
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder)
        .Where(f => Path.GetExtension(f).ToUpperInvariant() is ".PNG" or ".JPG" or ".JPEG" or ".WEBP" or ".BMP").Order(StringComparer.Ordinal);

    private static float[] ReadImage(string file)
    {
        using var image = SKBitmap.Decode(file) ?? throw new UsageException($"{file} is no image that can be read.");
        using var small = image.Resize(new SKImageInfo(ImageSet.Size, ImageSet.Size, SKColorType.Rgba8888, SKAlphaType.Premul), new SKSamplingOptions(SKCubicResampler.Mitchell));
        var pixels = new float[ImageSet.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            // Over white paper, with the eye's weights of the colours.
            var c = small.GetPixel(i % ImageSet.Size, i / ImageSet.Size);
            var light = (((0.2126 * c.Red) + (0.7152 * c.Green) + (0.0722 * c.Blue)) * c.Alpha / 255) + 255 - c.Alpha;
            pixels[i] = (float)(1 - (light / 127.5));
        }

        return pixels;
    }
}
